import { expect, it } from 'vitest'
import { byDay } from './activity-days'

const at = (day: number, hour: number) => ({ at: new Date(2026, 4, day, hour).toISOString() })

it('groups by the days of this place, in order', () => {
  const rows = [at(3, 23), at(3, 0), at(2, 23), at(1, 12)]
  expect(byDay(rows).map(({ rows: own }) => own.length)).toEqual([2, 1, 1])
  expect(byDay(rows).flatMap(({ rows: own }) => own)).toEqual(rows)
  expect(byDay([])).toEqual([])
})
