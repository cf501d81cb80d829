import type { RequestLogRowFragment } from '@/gql/graphql'

/** A request as the list shows it. */
export type LogRow = Omit<RequestLogRowFragment, ' $fragmentName'>

/** The most rows that a list which is followed keeps; what is older is a page or a download away. */
export const mostRows = 2_000

/** The list of requests, newest first. */
export interface LogState {
  phase: 'loading' | 'ready' | 'failed'
  rows: readonly LogRow[]
  /** What came while the reader was elsewhere or had it paused; newest first. */
  waiting: readonly LogRow[]
  /** Where what waits ends, when requests are missing between it and the rows. */
  apart: { cursor: string | null } | null
  /** Where the next page begins; null when there is none. */
  cursor: string | null
  older: 'idle' | 'loading' | 'failed'
}

export const emptyLog: LogState = { phase: 'loading', rows: [], waiting: [], apart: null, cursor: null, older: 'idle' }

export type LogEvent =
  | { kind: 'asked' }
  /** The first page; `hold` while the list must not move. */
  | { kind: 'loaded'; rows: readonly LogRow[]; cursor: string | null; hold: boolean }
  | { kind: 'failed' }
  | { kind: 'older asked' }
  | { kind: 'older loaded'; rows: readonly LogRow[]; cursor: string | null }
  | { kind: 'older failed' }
  /** One was made; `hold` while the list must not move. */
  | { kind: 'added'; row: LogRow; hold: boolean }
  | { kind: 'shown' }

/** Newest first; ids of one moment in their own order. */
function byAge(a: LogRow, b: LogRow): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1
  return a.id < b.id ? 1 : -1
}

/** Both lists as one, each request once. */
function merged(rows: readonly LogRow[], more: readonly LogRow[]): LogRow[] {
  const known = new Set(rows.map(({ id }) => id))
  return [...rows, ...more.filter(({ id }) => !known.has(id))].toSorted(byAge)
}

/** Rows that are too many lose the oldest, which the next page brings back only from the start. */
function bounded(state: LogState): LogState {
  if (state.rows.length <= mostRows) return state
  return { ...state, rows: state.rows.slice(0, mostRows), cursor: null }
}

function added(state: LogState, row: LogRow, hold: boolean): LogState {
  if (state.rows.some(({ id }) => id === row.id) || state.waiting.some(({ id }) => id === row.id)) return state
  if (hold) return { ...state, waiting: merged([row], state.waiting).slice(0, mostRows) }
  return bounded({ ...state, rows: merged([row], state.rows) })
}

/** What came while the list must not move waits; what is known stays where it is. */
function held(state: LogState, rows: readonly LogRow[], cursor: string | null): LogState {
  const known = new Set(state.rows.map(({ id }) => id))
  const fresh = rows.filter(({ id }) => !known.has(id))
  if (fresh.length === rows.length && rows.length > 0) return { ...state, waiting: rows, apart: { cursor } }
  return { ...state, waiting: merged(fresh, state.waiting).slice(0, mostRows) }
}

/** The list after an event. */
export function reduceLog(state: LogState, event: LogEvent): LogState {
  switch (event.kind) {
    case 'asked':
      return state.phase === 'failed' ? emptyLog : state
    case 'loaded': {
      const rows = merged(event.rows, [])
      if (event.hold && state.phase === 'ready' && state.rows.length > 0) return held(state, rows, event.cursor)
      const newest = rows[0]
      // The first page again, after a loss: what was read beyond it stays when both meet.
      if (rows.some(({ id }) => state.rows.some((row) => row.id === id)) && state.phase === 'ready') {
        return bounded({ ...state, rows: merged(rows, state.rows) })
      }
      // What was followed meanwhile may be newer than the page.
      const ahead = state.rows.filter((row) => !newest || byAge(row, newest) < 0)
      return { ...state, phase: 'ready', rows: merged(rows, ahead), cursor: event.cursor, older: 'idle' }
    }
    case 'failed':
      return state.phase === 'ready' ? state : { ...state, phase: 'failed' }
    case 'older asked':
      return { ...state, older: 'loading' }
    case 'older loaded':
      return { ...state, rows: merged(state.rows, event.rows), cursor: event.cursor, older: 'idle' }
    case 'older failed':
      return { ...state, older: 'failed' }
    case 'added':
      return added(state, event.row, event.hold)
    case 'shown':
      if (state.apart) return { ...state, rows: state.waiting, waiting: [], cursor: state.apart.cursor, apart: null, older: 'idle' }
      return bounded({ ...state, rows: merged(state.waiting, state.rows), waiting: [] })
  }
}
