import { type ScaleBand, type ScaleLinear, scaleBand, scaleLinear } from 'd3-scale'
import { area, curveMonotoneX, line, stack } from 'd3-shape'
import { boxPath, namedBars } from '@/components/chart/shapes'

/** Room around what is drawn, in pixels. */
export const margin = { top: 8, right: 4, bottom: 24, left: 46 }

/** One line of numbers, a number for each step; null where there is none. */
export interface Series {
  name: string
  /** Which of the charts' colours. */
  colour: number
  values: readonly (number | null)[]
}

/** Bars stand on each other; a range is a line for the first series and an area up to the second. */
export type Shape = 'bars' | 'range'

export interface Layout {
  x: ScaleBand<number>
  y: ScaleLinear<number, number>
  ticks: number[]
  /** Which steps are named below. */
  named: number[]
  /** Per step its boxes from below. */
  boxes: { colour: number; path: string }[][]
  lines: { colour: number; path: string }[]
  /** Between the two lines of a range. */
  band: string
  /** Points with nothing beside them, which a line doesn't show. */
  lone: { colour: number; x: number; y: number }[]
}

function sizes(series: readonly Series[], count: number, shape: Shape): number[] {
  return Array.from({ length: count }, (_, at) => {
    const values = series.map(({ values: all }) => all[at] ?? 0)
    return shape === 'bars' ? values.reduce((sum, value) => sum + value, 0) : Math.max(0, ...values)
  })
}

/** Where everything of a chart is. The axis begins at nothing. */
export function layOut(series: readonly Series[], count: number, shape: Shape, width: number, height: number): Layout {
  const inner = Math.max(0, width - margin.left - margin.right)
  const x = scaleBand<number>()
    .domain(Array.from({ length: count }, (_, at) => at))
    .range([margin.left, margin.left + inner])
    .paddingInner(count > 45 ? 0.18 : count > 10 ? 0.3 : 0.5)
    .paddingOuter(0.15)
  const y = scaleLinear()
    .domain([0, Math.max(0, ...sizes(series, count, shape)) || 1])
    .nice(3)
    .range([height - margin.bottom, margin.top])
  const drawn = shape === 'bars' ? { boxes: boxesOf(series, count, x, y), lines: [], band: '', lone: [] } : rangeOf(series, x, y)
  return { x, y, ticks: y.ticks(3), named: namedBars(count, inner), ...drawn }
}

function boxesOf(series: readonly Series[], count: number, x: Layout['x'], y: Layout['y']): Layout['boxes'] {
  const steps = Array.from({ length: count }, (_, at) => at)
  const stacked = stack<unknown, number, number>()
    .keys(series.map((_, at) => at))
    .value((step, key) => series[key]?.values[step] ?? 0)(steps)
  return steps.map((step) => {
    const last = series.findLastIndex(({ values }) => (values[step] ?? 0) > 0)
    return stacked.flatMap((points, key) => {
      const [low = 0, high = 0] = points[step] ?? []
      if (high <= low) return []
      const from = y(low)
      // What is there is seen, however little it is.
      const size = Math.max(from - y(high), key === last ? 1.5 : 0)
      const path = boxPath(x(step) ?? 0, from - size, x.bandwidth(), size, key === last ? 2.5 : 0)
      return [{ colour: series[key]?.colour ?? 0, path }]
    })
  })
}

function rangeOf(series: readonly Series[], x: Layout['x'], y: Layout['y']): Pick<Layout, 'boxes' | 'lines' | 'band' | 'lone'> {
  const middle = (at: number) => (x(at) ?? 0) + x.bandwidth() / 2
  const path = line<number | null>()
    .defined((value) => value !== null)
    .x((_, at) => middle(at))
    .y((value) => y(value ?? 0))
    .curve(curveMonotoneX)
  const [low = [], high = []] = series.map(({ values }) => values)
  const between = area<number | null>()
    .defined((value, at) => value !== null && high[at] != null)
    .x((_, at) => middle(at))
    .y0((value) => y(value ?? 0))
    .y1((_, at) => y(high[at] ?? 0))
    .curve(curveMonotoneX)
  const lone = series.flatMap(({ colour, values }) =>
    values.flatMap((value, at) =>
      value !== null && values[at - 1] == null && values[at + 1] == null ? [{ colour, x: middle(at), y: y(value) }] : [],
    ),
  )
  return {
    boxes: [],
    lines: series.map(({ colour, values }) => ({ colour, path: path([...values]) ?? '' })),
    band: between([...low]) ?? '',
    lone,
  }
}

/** Which step is at a horizontal place; the nearest one beside them. */
export function stepOfPlace(x: ScaleBand<number>, count: number, place: number): number {
  const [start] = x.range()
  return Math.max(0, Math.min(count - 1, Math.floor((place - start) / x.step())))
}
