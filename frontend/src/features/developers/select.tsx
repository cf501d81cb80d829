import { useId } from 'react'

interface SelectProps<T extends string> {
  label: string
  value: T
  options: readonly { value: T; label: string }[]
  onChoose(value: T): void
}

/** One of many, under its name. */
export function Select<T extends string>({ label, value, options, onChoose }: SelectProps<T>) {
  const id = useId()
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-1 block text-xs text-ink-3">
        {label}
      </label>
      <select
        id={id}
        value={value}
        onChange={(event) => onChoose(event.target.value as T)}
        className="h-8 w-full min-w-0 truncate rounded-control border border-control bg-surface pr-1 pl-2 text-sm text-ink touch:h-11"
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  )
}
