/** A sort of rows that a person knows a word for. */
export interface RowGroup {
  name: 'conversations' | 'messages' | 'sessions' | 'keys' | 'others'
  rows: number
}

const known: Readonly<Record<string, RowGroup['name']>> = {
  conversations: 'conversations',
  messages: 'messages',
  sessions: 'sessions',
  api_keys: 'keys',
}
const order: readonly RowGroup['name'][] = ['conversations', 'messages', 'sessions', 'keys', 'others']

/** Counts by table as a person reads them, in a fixed order; what there was nothing of is left out. */
export function groupRows(tables: readonly { table: string; rows: number }[]): RowGroup[] {
  const sums = new Map<RowGroup['name'], number>()
  for (const { table, rows } of tables) {
    const name = known[table] ?? 'others'
    sums.set(name, (sums.get(name) ?? 0) + rows)
  }
  return order.flatMap((name) => {
    const rows = sums.get(name) ?? 0
    return rows > 0 ? [{ name, rows }] : []
  })
}
