import { FieldFrame } from './field-frame'

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
  return (
    <FieldFrame label={label} note={note} error={error}>
      {(joins) => (
        <textarea
          {...joins}
          rows={rows}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className="block w-full max-w-2xl rounded-control border border-control bg-surface px-3 py-2 text-base leading-6 text-ink placeholder:text-ink-3 aria-invalid:border-danger"
        />
      )}
    </FieldFrame>
  )
}
