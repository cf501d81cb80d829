import { describe, expect, it } from 'vitest'
import { readAsk, stepAt, stepsOf, wordsOf } from './steps'

const now = new Date(2026, 10, 29, 12, 34, 56)

describe('the steps of a range', () => {
  it('are whole days up to and with today', () => {
    const steps = stepsOf('7d', 'DAY', now)
    expect(steps.length).toBe(7)
    expect(steps[0]?.start).toEqual(new Date(2026, 10, 23))
    expect(steps[6]).toEqual({ start: new Date(2026, 10, 29), end: new Date(2026, 10, 30) })
  })

  it('are whole hours up to and with this one', () => {
    const steps = stepsOf('24h', 'HOUR', now)
    expect(steps.length).toBe(24)
    expect(steps[23]).toEqual({ start: new Date(2026, 10, 29, 12), end: new Date(2026, 10, 29, 13) })
    const week = stepsOf('7d', 'HOUR', now)
    expect([week[0]?.start, week.length]).toEqual([new Date(2026, 10, 23), 6 * 24 + 13])
  })

  it('follow each other without a gap', () => {
    for (const steps of [stepsOf('90d', 'DAY', now), stepsOf('7d', 'HOUR', now)]) {
      for (const [at, { start }] of steps.entries()) if (at > 0) expect(start).toEqual(steps[at - 1]!.end)
    }
  })

  it('hold each moment in one of them', () => {
    const steps = stepsOf('7d', 'DAY', now)
    expect(stepAt(steps, new Date(2026, 10, 23))).toBe(0)
    expect(stepAt(steps, new Date(2026, 10, 24, 23, 59))).toBe(1)
    expect(stepAt(steps, now)).toBe(6)
    expect(stepAt(steps, new Date(2026, 10, 1))).toBe(-1)
  })
})

it('what is asked is read from the address and written back', () => {
  expect(readAsk({})).toEqual({ range: '7d', unit: 'DAY', key: null, model: null })
  expect(readAsk({ range: '24h', by: 'DAY' }).unit).toBe('HOUR')
  expect(readAsk({ range: '10y', by: 'WEEK' })).toEqual(readAsk({}))
  const words = { range: '30d', key: 'key_1', model: 'k2' }
  expect(wordsOf(readAsk(words))).toEqual(words)
  expect(wordsOf(readAsk({ by: 'HOUR' }))).toEqual({ by: 'HOUR' })
})
