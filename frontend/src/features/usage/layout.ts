import { type ScaleBand, type ScaleLinear, scaleBand, scaleLinear } from 'd3-scale'
import { stack } from 'd3-shape'
import { boxPath, namedBars } from '@/components/chart/shapes'
import type { Bar } from './report'

/** Room around the bars, in pixels. */
export const margin = { top: 10, right: 4, bottom: 26, left: 44 }

export interface Layout {
  x: ScaleBand<number>
  y: ScaleLinear<number, number>
  /** Where the grid's lines are. */
  ticks: number[]
  /** Which bars are named below. */
  named: number[]
  /** Per bar its parts from below, those without size left out. */
  parts: { series: number; path: string }[][]
}

/** Where everything of the chart is. */
export function layOut(bars: readonly Bar[], width: number, height: number): Layout {
  const inner = Math.max(0, width - margin.left - margin.right)
  const top = Math.max(0, ...bars.map(({ total }) => total))
  const x = scaleBand<number>()
    .domain(bars.map((_, at) => at))
    .range([margin.left, margin.left + inner])
    .paddingInner(bars.length > 45 ? 0.18 : 0.3)
    .paddingOuter(0.15)
  const y = scaleLinear()
    .domain([0, top || 1])
    .nice(4)
    .range([height - margin.bottom, margin.top])
  const keys = (bars[0]?.parts ?? []).map((_, series) => series)
  const stacked = stack<unknown, Bar, number>()
    .keys(keys)
    .value((bar, series) => bar.parts[series] ?? 0)(bars as Bar[])
  const parts = bars.map((bar, at) => {
    const last = bar.parts.findLastIndex((size) => size > 0)
    return stacked.flatMap((points, series) => {
      const [low = 0, high = 0] = points[at] ?? []
      if (high <= low) return []
      // What is there is seen, however little it is.
      const from = y(low)
      const size = Math.max(from - y(high), series === last ? 1.5 : 0)
      return [{ series, path: boxPath(x(at) ?? 0, from - size, x.bandwidth(), size, series === last ? 3 : 0) }]
    })
  })
  return { x, y, ticks: y.ticks(4), named: namedBars(bars.length, inner), parts }
}

/** Which bar is at a horizontal place; the nearest one beside the bars. */
export function barAt(x: ScaleBand<number>, count: number, place: number): number {
  const [start] = x.range()
  return Math.max(0, Math.min(count - 1, Math.floor((place - start) / x.step())))
}
