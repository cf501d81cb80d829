import type { ReactNode } from 'react'

/** What the colours of a chart stand for, with numbers. */
export function Legend({ className = '', children }: { className?: string; children: ReactNode }) {
  return <ul className={`space-y-1.5 text-sm ${className}`}>{children}</ul>
}

interface LegendRowProps {
  series: number
  name: ReactNode
  note?: ReactNode
  /** The number. */
  children: ReactNode
}

/** One colour. */
export function LegendRow({ series, name, note, children }: LegendRowProps) {
  return (
    <li className="flex items-baseline gap-2 tabular-nums">
      <span className="swatch translate-y-px" data-series={series} aria-hidden="true" />
      <span className="min-w-0 flex-1 truncate text-ink-2">{name}</span>
      {note && <span className="text-xs text-ink-3 tabular-nums">{note}</span>}
      <span className="min-w-14 text-right tabular-nums">{children}</span>
    </li>
  )
}
