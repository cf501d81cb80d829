import { useId } from 'react'

interface SwitchProps {
  label: string
  /** What it is about. */
  note: string
  /** Since when it is so. */
  since?: string
  checked: boolean
  busy: boolean
  onChange(checked: boolean): void
}

/** A switch with its words to the left. It shows what the server knows, not what was pressed. */
export function Switch({ label, note, since, checked, busy, onChange }: SwitchProps) {
  const id = useId()
  return (
    <div className="flex items-start justify-between gap-6 py-4">
      <div className="min-w-0">
        <p id={id} className="text-sm font-medium">
          {label}
        </p>
        <p id={`${id}-note`} className="mt-0.5 max-w-prose text-sm text-ink-2">
          {note}
        </p>
        {since && <p className="mt-1 text-xs text-ink-3">{since}</p>}
      </div>
      <button
        type="button"
        role="switch"
        aria-checked={checked}
        aria-labelledby={id}
        aria-describedby={`${id}-note`}
        aria-busy={busy}
        aria-disabled={busy}
        onClick={() => {
          if (!busy) onChange(!checked)
        }}
        className="group relative inline-grid h-6 w-11 shrink-0 place-items-center touch:h-11"
      >
        <span className="relative h-6 w-11 rounded-full border border-control bg-sunken transition-colors group-aria-checked:border-tide group-aria-checked:bg-tide">
          <span className="absolute top-[3px] left-[3px] size-4 rounded-full bg-ink-2 transition-transform group-aria-checked:translate-x-5 group-aria-checked:bg-on-tide" />
        </span>
      </button>
    </div>
  )
}
