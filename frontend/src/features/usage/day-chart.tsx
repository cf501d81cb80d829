import { useLingui } from '@lingui/react/macro'
import { type KeyboardEvent, memo, type PointerEvent, useMemo, useRef } from 'react'
import { shortNumber } from '@/lib/credits'
import { barAt, layOut, type Layout, margin } from './layout'
import type { Bar, Measure } from './report'
import { useWidth } from '@/components/chart/use-width'
import { dayWords, sizeWords, spanWords } from './words'

interface DayChartProps {
  bars: readonly Bar[]
  measure: Measure
  /** Which bar is pointed at; null for none. */
  at: number | null
  onPoint(at: number | null): void
  /** Today, when it is among them: its bar still grows. */
  today: string
}

/**
 * The bars of a range. A pointer and the arrow keys go from bar to bar, and what the bar
 * stands for is read out; the same numbers are in the table below.
 */
export function DayChart({ bars, measure, at, onPoint, today }: DayChartProps) {
  const { t } = useLingui()
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box, 640)
  const height = width < 480 ? 200 : 260
  const layout = useMemo(() => layOut(bars, width, height), [bars, width, height])
  const last = bars.length - 1
  const current = at === null ? null : bars[at]

  const onKeyDown = (event: KeyboardEvent) => {
    const from = at ?? last
    const page = Math.max(1, Math.round(bars.length / 6))
    const next = {
      ArrowLeft: at === null ? last : from - 1,
      ArrowDown: at === null ? last : from - 1,
      ArrowRight: from + 1,
      ArrowUp: from + 1,
      PageUp: from + page,
      PageDown: from - page,
      Home: 0,
      End: last,
      Escape: null,
    }[event.key]
    if (next === undefined) return
    event.preventDefault()
    onPoint(next === null ? null : Math.max(0, Math.min(last, next)))
  }
  const onPointer = (event: PointerEvent) => {
    const left = box.current?.getBoundingClientRect().left ?? 0
    onPoint(barAt(layout.x, bars.length, event.clientX - left))
  }
  return (
    <div
      ref={box}
      role="slider"
      tabIndex={0}
      aria-label={t`By day`}
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, last)}
      aria-valuenow={at ?? last}
      aria-valuetext={
        current ? `${spanWords(current.from, current.to)}: ${sizeWords(current.total, measure)}` : t`Arrow keys go from day to day`
      }
      data-at={at ?? undefined}
      onKeyDown={onKeyDown}
      onPointerDown={onPointer}
      onPointerMove={onPointer}
      onPointerLeave={() => onPoint(null)}
      onBlur={() => onPoint(null)}
      className="usage-chart rounded-row select-none"
    >
      <svg width={width} height={height} aria-hidden="true" className="block overflow-visible">
        <Grid layout={layout} width={width} height={height} />
        {at !== null && (
          <rect
            className="band"
            x={(layout.x(at) ?? 0) - (layout.x.step() - layout.x.bandwidth()) / 2}
            y={margin.top}
            width={layout.x.step()}
            height={height - margin.top - margin.bottom}
          />
        )}
        <Bars layout={layout} at={at} />
        <Names layout={layout} bars={bars} height={height} today={today} />
      </svg>
    </div>
  )
}

function Grid({ layout, width, height }: { layout: Layout; width: number; height: number }) {
  return (
    <>
      {layout.ticks.map((tick) => {
        const y = Math.round(layout.y(tick)) + 0.5
        return (
          <g key={tick}>
            <line className={tick === 0 ? 'base' : 'grid'} x1={margin.left} x2={width - margin.right} y1={y} y2={y} />
            {y < height && (
              <text x={margin.left - 8} y={y} dy="0.32em" textAnchor="end">
                {shortNumber(tick)}
              </text>
            )}
          </g>
        )
      })}
    </>
  )
}

const Bars = memo(function Bars({ layout, at }: { layout: Layout; at: number | null }) {
  return (
    <g className="bars">
      {layout.parts.map((parts, bar) => (
        // A bar is its place.
        // oxlint-disable-next-line react/no-array-index-key
        <g key={bar} className="bar" data-current={bar === at ? true : undefined}>
          {parts.map(({ series, path }) => (
            <path key={series} className="series" data-series={series} d={path} strokeWidth={parts.length > 1 ? 0.75 : 0} />
          ))}
        </g>
      ))}
    </g>
  )
})

interface NamesProps {
  layout: Layout
  bars: readonly Bar[]
  height: number
  today: string
}

function Names({ layout, bars, height, today }: NamesProps) {
  const middle = (at: number) => (layout.x(at) ?? 0) + layout.x.bandwidth() / 2
  const growing = bars.findIndex(({ from, to }) => from <= today && today <= to)
  return (
    <>
      {layout.named.map((at) => (
        <text key={at} x={middle(at)} y={height - 6} textAnchor={at === bars.length - 1 && bars.length > 14 ? 'end' : 'middle'}>
          {dayWords(bars[at]?.from ?? '', 'short')}
        </text>
      ))}
      {growing >= 0 && <circle className="today" cx={middle(growing)} cy={height - margin.bottom + 5} r={2.25} />}
    </>
  )
}
