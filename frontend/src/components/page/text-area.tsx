import { useId } from 'react'

interface TextAreaProps {
  label: string
  note?: string
  /** Why the value was refused. */
  error?: string | null
  rows?: number
  value: string
  onChange(value: string): void
}

/** A field for several lines, with its name above and what is wrong below. */
export function TextArea({ label, note, error, rows = 6, value, onChange }: TextAreaProps) {
  const id = useId()
  const described = [error ? `${id}-error` : '', note ? `${id}-note` : ''].filter(Boolean).join(' ')
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      <textarea
        id={id}
        rows={rows}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        aria-invalid={error ? true : undefined}
        aria-describedby={described || undefined}
        className="block w-full max-w-2xl rounded-control border border-control bg-surface px-3 py-2 text-base leading-6 text-ink placeholder:text-ink-3 aria-invalid:border-danger"
      />
      {error && (
        <p id={`${id}-error`} role="alert" className="mt-1 text-sm text-danger">
          {error}
        </p>
      )}
      {note && (
        <p id={`${id}-note`} className="mt-1 max-w-prose text-xs text-ink-3">
          {note}
        </p>
      )}
    </div>
  )
}
