interface BarProps {
  /** What it is the progress of. */
  label: string
  /** From 0 to 1; null when it is not known how much there is to do. */
  part: number | null
}

/** How far something is, as a line that fills. */
export function Bar({ label, part }: BarProps) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={part === null ? undefined : Math.round(part * 100)}
      className="h-1.5 overflow-hidden rounded-full bg-sunken"
    >
      <div
        className={`h-full rounded-full bg-tide transition-[width] duration-300 ${part === null ? 'animate-pulse' : ''}`}
        style={{ width: `${(part ?? 1) * 100}%` }}
      />
    </div>
  )
}
