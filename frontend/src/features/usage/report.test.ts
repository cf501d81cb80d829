import { describe, expect, it } from 'vitest'
import { barsOf, nothing, seriesOf, sharesOf, type Sum } from './report'

const sum = (more: Partial<Sum>): Sum => ({ ...nothing, ...more })
const row = (day: string, modelId: string, more: Partial<Sum>) => ({ day, modelId, sum: sum(more) })
const week = { from: '2026-05-01', to: '2026-05-07' }

describe('bars of usage', () => {
  it('there is one for every day, those without use too', () => {
    const rows = [
      row('2026-05-02', 'k2', { credits: '1.5', acts: 2, promptTokens: 10, outputTokens: 5 }),
      row('2026-05-02', 'mini', { credits: '0.25', acts: 1, promptTokens: 1, outputTokens: 2 }),
      row('2026-05-07', 'mini', { credits: '0.25', acts: 1 }),
    ]
    const series = seriesOf(rows)
    expect(series.map(({ id }) => id)).toEqual(['k2', 'mini'])
    const bars = barsOf(week, rows, series, 'credits')
    expect(bars).toHaveLength(7)
    expect(bars[1]).toMatchObject({ from: '2026-05-02', to: '2026-05-02', parts: [1.5, 0.25], total: 1.75 })
    expect(bars[1]?.sum).toEqual(sum({ credits: '1.75', acts: 3, promptTokens: 11, outputTokens: 7 }))
    expect(bars[0]?.total).toBe(0)
    expect(barsOf(week, rows, series, 'tokens')[1]?.total).toBe(18)
    expect(barsOf(week, rows, series, 'acts')[1]?.parts).toEqual([2, 1])
  })

  it('sums are exact where sizes would round', () => {
    const rows = Array.from({ length: 10 }, () => row('2026-05-01', 'k2', { credits: '0.1' }))
    expect(barsOf(week, rows, seriesOf(rows), 'credits')[0]?.sum.credits).toBe('1')
  })

  it('many models are folded into one series of others, and nothing is lost', () => {
    const rows = Array.from({ length: 9 }, (_, at) => row('2026-05-01', `m${at}`, { credits: String(9 - at), acts: 1 }))
    const series = seriesOf(rows)
    expect(series).toHaveLength(6)
    expect(series.at(-1)).toEqual({ id: '', others: true })
    const [first] = barsOf(week, rows, series, 'credits')
    expect(first?.parts).toEqual([9, 8, 7, 6, 5, 4 + 3 + 2 + 1])
    expect(first?.total).toBe(45)
  })

  it('a long range has a bar per week, whose last may be short', () => {
    const range = { from: '2026-01-01', to: '2026-04-30' }
    const rows = [row('2026-01-07', 'k2', { acts: 1 }), row('2026-01-08', 'k2', { acts: 2 }), row('2026-04-30', 'k2', { acts: 4 })]
    const bars = barsOf(range, rows, seriesOf(rows), 'acts')
    expect(bars).toHaveLength(18)
    expect(bars[0]).toMatchObject({ from: '2026-01-01', to: '2026-01-07', total: 1 })
    expect(bars[1]?.total).toBe(2)
    expect(bars.at(-1)).toMatchObject({ from: '2026-04-30', to: '2026-04-30', total: 4 })
  })

  it('shares are of what there is', () => {
    expect(sharesOf([1, 3])).toEqual([0.25, 0.75])
    expect(sharesOf([0, 0])).toEqual([0, 0])
    expect(sharesOf([])).toEqual([])
  })
})
