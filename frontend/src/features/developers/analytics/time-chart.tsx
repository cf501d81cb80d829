import { type KeyboardEvent, memo, type PointerEvent, type ReactNode, useMemo, useRef } from 'react'
import { useWidth } from '@/components/chart/use-width'
import { layOut, type Layout, margin, type Series, type Shape, stepOfPlace } from './layout'

interface TimeChartProps {
  title: string
  /** The number that the chart is about: of the step pointed at, else of the whole range. */
  headline: ReactNode
  shape: Shape
  series: readonly Series[]
  /** What each step is called, in full and as short as below a chart. */
  names: readonly { full: string; short: string }[]
  /** A value with its unit, and as short as beside an axis. */
  words(value: number): string
  tick(value: number): string
  height: number
  /** Which step is pointed at, in all charts; null for none. */
  at: number | null
  onPoint(at: number | null): void
}

/**
 * A measure over time. A pointer and the arrow keys go from step to step in all charts at
 * once, and what is there is read out; the same numbers are in the table.
 */
export function TimeChart({ title, headline, shape, series, names, words, tick, height, at, onPoint }: TimeChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box, 480)
  const count = names.length
  const layout = useMemo(() => layOut(series, count, shape, width, height), [series, count, shape, width, height])
  const last = Math.max(0, count - 1)
  const told = (step: number) =>
    [names[step]?.full, ...series.map(({ name, values }) => `${name} ${values[step] == null ? '–' : words(values[step])}`)].join(
      ', ',
    )
  const onPointer = (event: PointerEvent) => {
    const left = box.current?.getBoundingClientRect().left ?? 0
    onPoint(stepOfPlace(layout.x, count, event.clientX - left))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const next = nextStep(event.key, at, last)
    if (next === undefined) return
    event.preventDefault()
    onPoint(next)
  }
  return (
    <section aria-label={title} className="min-w-0">
      <div className="mb-1.5 flex flex-wrap items-baseline justify-between gap-x-4">
        <h2 className="text-sm font-semibold">{title}</h2>
        <p className="text-sm tabular-nums">{headline}</p>
      </div>
      <div
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label={title}
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={at ?? last}
        aria-valuetext={told(at ?? last)}
        data-at={at ?? undefined}
        onKeyDown={onKeyDown}
        onPointerDown={onPointer}
        onPointerMove={onPointer}
        onPointerLeave={() => onPoint(null)}
        onBlur={() => onPoint(null)}
        className="time-chart rounded-row select-none"
      >
        <svg width={width} height={height} aria-hidden="true" className="block overflow-visible">
          <Grid layout={layout} width={width} tick={tick} />
          {at !== null && <Cursor layout={layout} at={at} shape={shape} height={height} />}
          {shape === 'bars' ? <Bars boxes={layout.boxes} at={at} /> : <Lines layout={layout} />}
          {shape === 'range' && at !== null && <Dots layout={layout} series={series} at={at} />}
          <Names layout={layout} names={names} height={height} width={width} />
        </svg>
      </div>
      {series.length > 1 && (
        <ul className="mt-1 flex flex-wrap gap-x-4 gap-y-0.5 pl-[46px] text-xs text-ink-2">
          {series.map(({ name, colour }) => (
            <li key={name} className="flex items-center gap-1.5">
              <span className="swatch" data-series={colour} aria-hidden="true" />
              {name}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

/** Where a key leads; undefined for keys that lead nowhere, null away from all steps. */
export function nextStep(key: string, at: number | null, last: number): number | null | undefined {
  const from = at ?? last + 1
  const page = Math.max(1, Math.round((last + 1) / 6))
  const moves: Record<string, number | null> = {
    ArrowLeft: from - 1,
    ArrowDown: from - 1,
    ArrowRight: at === null ? last : from + 1,
    ArrowUp: at === null ? last : from + 1,
    PageUp: from + page,
    PageDown: from - page,
    Home: 0,
    End: last,
    Escape: null,
  }
  const next = moves[key]
  return next == null ? next : Math.max(0, Math.min(last, next))
}

function Grid({ layout, width, tick }: { layout: Layout; width: number; tick(value: number): string }) {
  return layout.ticks.map((value) => {
    const y = Math.round(layout.y(value)) + 0.5
    return (
      <g key={value}>
        <line className={value === 0 ? 'base' : 'grid'} x1={margin.left} x2={width - margin.right} y1={y} y2={y} />
        <text x={margin.left - 8} y={y} dy="0.32em" textAnchor="end">
          {tick(value)}
        </text>
      </g>
    )
  })
}

function Cursor({ layout, at, shape, height }: { layout: Layout; at: number; shape: Shape; height: number }) {
  const { x } = layout
  const left = x(at) ?? 0
  if (shape === 'range') {
    const middle = Math.round(left + x.bandwidth() / 2) + 0.5
    return <line className="base" x1={middle} x2={middle} y1={margin.top} y2={height - margin.bottom} />
  }
  return (
    <rect
      className="band"
      x={left - (x.step() - x.bandwidth()) / 2}
      y={margin.top}
      width={x.step()}
      height={height - margin.top - margin.bottom}
    />
  )
}

const Bars = memo(function Bars({ boxes, at }: { boxes: Layout['boxes']; at: number | null }) {
  return (
    <g className="bars">
      {boxes.map((parts, step) => (
        // A step is its place.
        // oxlint-disable-next-line react/no-array-index-key
        <g key={step} className="bar" data-current={step === at || undefined}>
          {parts.map(({ colour, path }) => (
            <path key={colour} className="series" data-series={colour} d={path} strokeWidth={parts.length > 1 ? 0.75 : 0} />
          ))}
        </g>
      ))}
    </g>
  )
})

const Lines = memo(function Lines({ layout }: { layout: Layout }) {
  return (
    <g>
      <path className="between" data-series={layout.lines[0]?.colour} d={layout.band} />
      {layout.lines.map(({ colour, path }, rank) => (
        <path key={colour} className="line" data-series={colour} data-rank={rank} d={path} />
      ))}
      {layout.lone.map(({ colour, x, y }) => (
        <circle key={`${colour} ${x}`} className="series" data-series={colour} cx={x} cy={y} r={2.5} />
      ))}
    </g>
  )
})

function Dots({ layout, series, at }: { layout: Layout; series: readonly Series[]; at: number }) {
  const middle = (layout.x(at) ?? 0) + layout.x.bandwidth() / 2
  return series.map(({ name, colour, values }) =>
    values[at] == null ? null : (
      <circle
        key={name}
        className="series dot"
        data-series={colour}
        cx={middle}
        cy={layout.y(values[at])}
        r={4}
        strokeWidth={1.5}
      />
    ),
  )
}

interface NamesProps {
  layout: Layout
  names: TimeChartProps['names']
  width: number
  height: number
}

function Names({ layout, names, width, height }: NamesProps) {
  return layout.named.map((at) => {
    const middle = (layout.x(at) ?? 0) + layout.x.bandwidth() / 2
    const isLast = middle > width - 28
    return (
      <text key={at} x={isLast ? width - margin.right : middle} y={height - 6} textAnchor={isLast ? 'end' : 'middle'}>
        {names[at]?.short}
      </text>
    )
  })
}
