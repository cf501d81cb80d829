import type { ComponentProps } from 'react'
import { FieldFrame } from './field-frame'

interface TextFieldProps extends Omit<ComponentProps<'input'>, 'onChange' | 'value'> {
  label: string
  note?: string
  /** Why the value was refused. */
  error?: string | null
  value: string
  onChange(value: string): void
}

/** A field for one line, with its name above and what is wrong below. */
export function TextField({ label, note, error, value, onChange, ...rest }: TextFieldProps) {
  return (
    <FieldFrame label={label} note={note} error={error}>
      {(joins) => (
        <input
          type="text"
          {...rest}
          {...joins}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className="h-10 w-full max-w-md rounded-control border border-control bg-surface px-3 text-base text-ink placeholder:text-ink-3 aria-invalid:border-danger touch:h-11"
        />
      )}
    </FieldFrame>
  )
}
