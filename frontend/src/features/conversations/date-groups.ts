/** A row's place in time, as the sidebar heads it. */
export type Group =
  | { kind: 'pinned' | 'today' | 'yesterday' | 'week' | 'month30' }
  /** A whole month, longer ago. */
  | { kind: 'month'; year: number; month: number }

interface Dated {
  pinned: boolean
  /** RFC 3339. */
  updatedAt: string
}

const day = 24 * 60 * 60 * 1000

function midnight(at: Date): number {
  return Date.UTC(at.getFullYear(), at.getMonth(), at.getDate())
}

/** Days between two moments by the calendar of this place, daylight saving or not. */
function daysBetween(earlier: Date, later: Date): number {
  return Math.round((midnight(later) - midnight(earlier)) / day)
}

/** The group of one conversation. */
export function groupOf({ pinned, updatedAt }: Dated, now: Date): Group {
  if (pinned) return { kind: 'pinned' }
  const at = new Date(updatedAt)
  const days = daysBetween(at, now)
  if (days <= 0) return { kind: 'today' }
  if (days === 1) return { kind: 'yesterday' }
  if (days < 7) return { kind: 'week' }
  if (days < 30) return { kind: 'month30' }
  return { kind: 'month', year: at.getFullYear(), month: at.getMonth() }
}

/** Pinned ones first, then by last activity, newest first: the server's order. */
export function inOrder<T extends Dated>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => Number(b.pinned) - Number(a.pinned) || (a.updatedAt < b.updatedAt ? 1 : -1))
}

/** A line of the sidebar: a heading or a conversation. */
export type Line<T> = { heading: Group } | { row: T }

/** Rows in order with a heading before every group. */
export function withHeadings<T extends Dated>(rows: readonly T[], now: Date): Line<T>[] {
  const lines: Line<T>[] = []
  let last = ''
  for (const row of inOrder(rows)) {
    const heading = groupOf(row, now)
    const key = JSON.stringify(heading)
    if (key !== last) lines.push({ heading })
    last = key
    lines.push({ row })
  }
  return lines
}
