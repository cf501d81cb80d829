import { describe, expect, it } from 'vitest'
import { groupOf, inOrder, withHeadings } from './date-groups'

const now = new Date(2026, 2, 30, 0, 30)
const at = (...when: [number, number, number, number?]) => ({ pinned: false, updatedAt: new Date(...when).toISOString() })

describe('groups of conversations', () => {
  it.each([
    ['a moment ago', at(2026, 2, 30), 'today'],
    ['a clock that is ahead', at(2026, 2, 31), 'today'],
    ['late yesterday, an hour ago', at(2026, 2, 29, 23), 'yesterday'],
    ['across the change to summer time', at(2026, 2, 28, 12), 'week'],
    ['six days', at(2026, 2, 24), 'week'],
    ['a week', at(2026, 2, 23), 'month30'],
    ['29 days', at(2026, 2, 1), 'month30'],
    ['30 days', at(2026, 1, 28), 'month'],
  ])('%s', (_name, row, kind) => {
    expect(groupOf(row, now).kind).toBe(kind)
  })

  it('put pinned ones first whatever their age', () => {
    expect(groupOf({ ...at(2020, 0, 1), pinned: true }, now)).toEqual({ kind: 'pinned' })
  })

  it('head each month once and each group once, in order', () => {
    const rows = [at(2025, 11, 5), at(2026, 2, 30), at(2025, 11, 20), at(2026, 0, 2), { ...at(2024, 1, 1), pinned: true }]
    const kinds = withHeadings(rows, now).map((line) => ('heading' in line ? line.heading : 'row'))
    expect(kinds).toEqual([
      { kind: 'pinned' },
      'row',
      { kind: 'today' },
      'row',
      { kind: 'month', year: 2026, month: 0 },
      'row',
      { kind: 'month', year: 2025, month: 11 },
      'row',
      'row',
    ])
  })

  it('keep the server’s order', () => {
    const [a, b] = [at(2026, 1, 1), at(2026, 1, 2)]
    expect(inOrder([a, b])).toEqual([b, a])
  })
})
