import { type ComponentProps, useId } from 'react'

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
  const id = useId()
  const described = [error ? `${id}-error` : '', note ? `${id}-note` : ''].filter(Boolean).join(' ')
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      <input
        type="text"
        {...rest}
        id={id}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        aria-invalid={error ? true : undefined}
        aria-describedby={described || undefined}
        className="h-10 w-full max-w-md rounded-control border border-control bg-surface px-3 text-base text-ink placeholder:text-ink-3 aria-invalid:border-danger touch:h-11"
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
