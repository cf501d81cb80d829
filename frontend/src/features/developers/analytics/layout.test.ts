import { describe, expect, it } from 'vitest'
import { layOut, margin, stepOfPlace } from './layout'
import { nextStep } from './time-chart'

const series = (...lists: (number | null)[][]) => lists.map((values, at) => ({ name: `${at}`, colour: at, values }))

describe('a chart over time', () => {
  it('has an axis that begins at nothing and reaches beyond what is drawn', () => {
    const bars = layOut(series([4, 0], [3, 0]), 2, 'bars', 600, 200)
    expect([bars.y.domain()[0], bars.y.domain()[1]! >= 7]).toEqual([0, true])
    const range = layOut(series([4, 9], [30, 90]), 2, 'range', 600, 200)
    expect([range.y.domain()[0], range.y.domain()[1]! >= 90, range.y.domain()[1]! < 130]).toEqual([0, true, true])
  })

  it('draws what is there, however little, and nothing where nothing is', () => {
    const { boxes } = layOut(series([1_000_000, 1, 0], [0, 0, 0]), 3, 'bars', 600, 200)
    expect(boxes.map((parts) => parts.map(({ colour }) => colour))).toEqual([[0], [0], []])
    expect(layOut(series([], []), 0, 'bars', 600, 200).ticks.length).toBeGreaterThan(1)
  })

  it('a line is broken where there is no number, and a lone one is a point', () => {
    const { lines, lone, band } = layOut(series([5, null, 7, 8], [9, null, 9, 9]), 4, 'range', 600, 200)
    expect(lines[0]?.path.match(/M/g)?.length).toBe(2)
    expect(lone.map(({ colour }) => colour)).toEqual([0, 1])
    expect(band).not.toContain('NaN')
  })

  it('a place leads to its step, beside the chart to the nearest', () => {
    const { x } = layOut(series([1, 2, 3]), 3, 'bars', 600, 200)
    for (const at of [0, 1, 2]) expect(stepOfPlace(x, 3, (x(at) ?? 0) + x.bandwidth() / 2)).toBe(at)
    expect([stepOfPlace(x, 3, -margin.left), stepOfPlace(x, 3, 9_000)]).toEqual([0, 2])
  })

  it('keys go from step to step, and away again', () => {
    expect(nextStep('ArrowLeft', null, 6)).toBe(6)
    expect(nextStep('ArrowLeft', 6, 6)).toBe(5)
    expect(nextStep('ArrowRight', 6, 6)).toBe(6)
    expect(nextStep('Home', 3, 6)).toBe(0)
    expect(nextStep('PageDown', 0, 6)).toBe(0)
    expect(nextStep('Escape', 3, 6)).toBe(null)
    expect(nextStep('Tab', 3, 6)).toBe(undefined)
  })
})
