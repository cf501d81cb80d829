import type { ReactNode } from 'react'

interface SegmentsProps<T extends string> {
  label: string
  value: T | null
  options: readonly { value: T; label: ReactNode }[]
  onChoose(value: T): void
}

/** One of a few, side by side. */
export function Segments<T extends string>({ label, value, options, onChoose }: SegmentsProps<T>) {
  return (
    // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role
    <div role="group" aria-label={label} className="inline-flex rounded-control border border-line-strong p-0.5">
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChoose(option.value)}
          className="min-h-8 rounded-[4px] px-2.5 text-sm whitespace-nowrap text-ink-2 transition-colors hover:text-ink aria-pressed:bg-tide-soft aria-pressed:text-ink touch:min-h-10"
        >
          {option.label}
        </button>
      ))}
    </div>
  )
}
