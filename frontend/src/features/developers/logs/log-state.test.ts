import { describe, expect, it } from 'vitest'
import { emptyLog, type LogEvent, type LogRow, type LogState, mostRows, reduceLog } from './log-state'

const row = (n: number): LogRow => ({
  id: `req_${String(n).padStart(6, '0')}`,
  createdAt: new Date(Date.UTC(2026, 10, 29) + n * 1000).toISOString(),
  keyId: 'key_1',
  route: 'query viewer',
  modelId: '',
  status: 200,
  code: null,
  promptTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  credits: '0',
  firstTokenMs: null,
  latencyMs: 3,
  streamed: false,
})
const rows = (...numbers: number[]) => numbers.map(row)
const after = (...events: LogEvent[]): LogState => events.reduce(reduceLog, emptyLog)
const ids = (list: readonly LogRow[]) => list.map(({ id }) => Number(id.slice(4)))
const add = (n: number, hold = false): LogEvent => ({ kind: 'added', row: row(n), hold })
const first: LogEvent = { kind: 'loaded', rows: rows(9, 8, 7), cursor: 'c7', hold: false }

describe('P69, P70: the request log', () => {
  it('is loading, then there; what comes is put first', () => {
    expect(emptyLog.phase).toBe('loading')
    const state = after(first, add(10), add(11))
    expect([state.phase, ids(state.rows)]).toEqual(['ready', [11, 10, 9, 8, 7]])
  })

  it('shows each request once, however often it is told of', () => {
    expect(ids(after(add(9), first, add(9), add(10, true), add(10)).rows)).toEqual([9, 8, 7])
  })

  it('keeps what was followed before the page came', () => {
    expect(ids(after(add(10), first).rows)).toEqual([10, 9, 8, 7])
  })

  it('puts what comes late in its place', () => {
    expect(ids(after({ kind: 'loaded', rows: rows(9, 7), cursor: null, hold: false }, add(8)).rows)).toEqual([9, 8, 7])
  })

  it('holds back what comes while it must not move, and shows it when asked', () => {
    const held = after(first, add(10, true), add(11, true))
    expect([ids(held.rows), ids(held.waiting)]).toEqual([
      [9, 8, 7],
      [11, 10],
    ])
    const shown = reduceLog(held, { kind: 'shown' })
    expect([ids(shown.rows), shown.waiting]).toEqual([[11, 10, 9, 8, 7], []])
  })

  it('the first page again while it must not move waits too, also when requests between are missing', () => {
    const again = (...numbers: number[]): LogEvent => ({ kind: 'loaded', rows: rows(...numbers), cursor: 'c', hold: true })
    const held = after(first, add(10, true), again(11, 10, 9))
    expect([ids(held.rows), ids(held.waiting)]).toEqual([
      [9, 8, 7],
      [11, 10],
    ])
    expect(ids(reduceLog(held, { kind: 'shown' }).rows)).toEqual([11, 10, 9, 8, 7])
    const apart = after(first, again(31, 30))
    expect([ids(apart.rows), ids(apart.waiting)]).toEqual([
      [9, 8, 7],
      [31, 30],
    ])
    const shown = reduceLog(apart, { kind: 'shown' })
    expect([ids(shown.rows), shown.cursor, shown.waiting]).toEqual([[31, 30], 'c', []])
  })

  it('grows at its end by older pages', () => {
    const asked = after(first, { kind: 'older asked' })
    expect(asked.older).toBe('loading')
    const state = reduceLog(asked, { kind: 'older loaded', rows: rows(7, 6), cursor: null })
    expect([ids(state.rows), state.cursor, state.older]).toEqual([[9, 8, 7, 6], null, 'idle'])
    expect(reduceLog(asked, { kind: 'older failed' }).older).toBe('failed')
  })

  it('the first page again, after a loss, fills the gap and keeps older pages', () => {
    const read = after(first, { kind: 'older loaded', rows: rows(6, 5), cursor: 'c5' })
    const back = reduceLog(read, { kind: 'loaded', rows: rows(11, 10, 9), cursor: 'c9', hold: false })
    expect([ids(back.rows), back.cursor]).toEqual([[11, 10, 9, 8, 7, 6, 5], 'c5'])
    const far = reduceLog(read, { kind: 'loaded', rows: rows(31, 30), cursor: 'c30', hold: false })
    expect([ids(far.rows), far.cursor]).toEqual([[31, 30], 'c30'])
  })

  it('a failure shows only while nothing is there, and asking again starts anew', () => {
    expect(after({ kind: 'failed' }).phase).toBe('failed')
    expect(after({ kind: 'failed' }, { kind: 'asked' }).phase).toBe('loading')
    expect(after(first, { kind: 'failed' }).phase).toBe('ready')
  })

  it('a list that is followed for long is bounded', () => {
    const many = Array.from({ length: mostRows }, (_, n) => row(n)).toReversed()
    const state = after({ kind: 'loaded', rows: many, cursor: 'c', hold: false }, add(mostRows))
    expect([state.rows.length, state.rows[0]?.id, state.cursor]).toEqual([mostRows, row(mostRows).id, null])
    const held = Array.from({ length: mostRows + 5 }, (_, n) => add(n, true))
    expect(after(...held).waiting.length).toBe(mostRows)
  })
})
