import { describe, expect, it } from 'vitest'
import { daysOf, lastDays, momentsOf, plusDays, presetOf, rangeFault, startOf } from './range'

const now = new Date(2026, 2, 30, 9, 15)

describe('ranges of days', () => {
  it('end today and hold as many days as they say', () => {
    expect(lastDays(7, now)).toEqual({ from: '2026-03-24', to: '2026-03-30' })
    expect(daysOf(lastDays(30, now))).toHaveLength(30)
    expect(presetOf(lastDays(90, now), now)).toBe(90)
    expect(presetOf({ from: '2026-03-24', to: '2026-03-29' }, now)).toBeNull()
  })

  it('a day with a change of the clock is one day', () => {
    expect(plusDays('2026-03-28', 1)).toBe('2026-03-29')
    expect(plusDays('2026-03-29', 1)).toBe('2026-03-30')
    expect(plusDays('2026-12-31', 1)).toBe('2027-01-01')
    expect(daysOf({ from: '2024-02-28', to: '2024-03-01' })).toEqual(['2024-02-28', '2024-02-29', '2024-03-01'])
  })

  it('the last day is in them, whole', () => {
    const { from, to } = momentsOf({ from: '2026-03-30', to: '2026-03-30' })
    expect(new Date(from)).toEqual(new Date(2026, 2, 30))
    expect(new Date(to)).toEqual(new Date(2026, 2, 31))
  })

  it.each([
    [{ from: '2026-01-01', to: '2026-01-31' }, null],
    [{ from: '2026-01-31', to: '2026-01-01' }, 'reversed'],
    [{ from: '2026-02-30', to: '2026-03-01' }, 'invalid'],
    [{ from: '', to: '2026-03-01' }, 'invalid'],
    [{ from: '2025-01-01', to: '2026-02-04' }, null],
    [{ from: '2025-01-01', to: '2026-02-05' }, 'long'],
  ])('%j: %s', (range, fault) => {
    expect(rangeFault(range)).toBe(fault)
  })

  it('what is no day begins never', () => {
    expect(startOf('2026-13-01')).toBeNull()
    expect(startOf('yesterday')).toBeNull()
  })
})
