import { useId } from 'react'

interface CheckProps {
  label: string
  note: string
  checked: boolean
  onChange(checked: boolean): void
}

/** Something that is wanted or not, with its words beside it. */
export function Check({ label, note, checked, onChange }: CheckProps) {
  const id = useId()
  return (
    <div className="flex gap-3">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={`${id}-note`}
        onChange={(event) => onChange(event.target.checked)}
        className="mt-0.5 size-4.5 shrink-0 accent-tide touch:size-6"
      />
      <div className="min-w-0">
        <label htmlFor={id} className="block cursor-pointer text-sm font-medium touch:min-h-6">
          {label}
        </label>
        <p id={`${id}-note`} className="text-sm text-ink-2">
          {note}
        </p>
      </div>
    </div>
  )
}
