import { useId } from 'react'

export interface Option<T> {
  value: T
  label: string
  lang?: string
}

interface ChoiceProps<T extends string> {
  title: string
  note?: string
  value: T
  options: readonly Option<T>[]
  onChoose(value: T): void
}

/** One of a few, all in sight. */
export function Choice<T extends string>({ title, note, value, options, onChoose }: ChoiceProps<T>) {
  const name = useId()
  return (
    <fieldset className="border-t border-line py-6 first:border-t-0 first:pt-0">
      <legend className="float-left mb-3 w-full text-md font-semibold">{title}</legend>
      <div className="clear-left flex flex-wrap gap-2">
        {options.map((option) => (
          <label
            key={option.value}
            lang={option.lang}
            className="flex min-h-9 cursor-pointer items-center rounded-control border border-control px-3.5 text-sm text-ink-2 transition-colors hover:bg-hover has-checked:border-tide has-checked:bg-tide-soft has-checked:text-ink has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-tide touch:min-h-11"
          >
            <input
              type="radio"
              name={name}
              className="sr-only"
              checked={option.value === value}
              onChange={() => onChoose(option.value)}
            />
            {option.label}
          </label>
        ))}
      </div>
      {note && <p className="mt-2 text-xs text-ink-3">{note}</p>}
    </fieldset>
  )
}
