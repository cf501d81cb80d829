import { type ReactNode, useId } from 'react'

interface FrameProps {
  label: string
  note?: string
  /** Why the value was refused. */
  error?: string | null
  /** The field itself, with what joins it to its name and to what is said of it. */
  children(joins: { id: string; 'aria-invalid': true | undefined; 'aria-describedby': string | undefined }): ReactNode
}

/** A field's name above it, and what is wrong and worth knowing below. */
export function FieldFrame({ label, note, error, children }: FrameProps) {
  const id = useId()
  const described = [error ? `${id}-error` : '', note ? `${id}-note` : ''].filter(Boolean).join(' ')
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      {children({ id, 'aria-invalid': error ? true : undefined, 'aria-describedby': described || undefined })}
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
