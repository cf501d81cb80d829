/** Something with a moment. */
interface Timed {
  /** RFC 3339. */
  at: string
}

/** A day of this place, and what happened on it. */
export interface Day<T> {
  /** The day's first row's moment. */
  at: string
  rows: T[]
}

/** Rows by the day of this place, in their order. */
export function byDay<T extends Timed>(rows: readonly T[]): Day<T>[] {
  const days: Day<T>[] = []
  let last = ''
  for (const row of rows) {
    const name = new Date(row.at).toDateString()
    if (name !== last) days.push({ at: row.at, rows: [] })
    last = name
    days.at(-1)?.rows.push(row)
  }
  return days
}
