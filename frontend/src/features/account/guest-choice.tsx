import { Trans, useLingui } from '@lingui/react/macro'
import { useId } from 'react'

/** What is to become of a guest's conversations. */
export type GuestWish = 'keep' | 'discard'

/** Asks a guest whether its conversations come with it. */
export function GuestChoice({ wish, onChoose }: { wish: GuestWish; onChoose(wish: GuestWish): void }) {
  const { t } = useLingui()
  const name = useId()
  const options = [
    { value: 'keep', label: t`Take them with me`, note: t`They are in your account afterwards, as they are now.` },
    { value: 'discard', label: t`Delete them`, note: t`They are deleted at once when you have signed in. This can’t be undone.` },
  ] as const
  return (
    <fieldset>
      <legend className="mb-2 text-sm font-medium">
        <Trans>Your conversations as a guest</Trans>
      </legend>
      <div className="divide-y divide-line rounded-row border border-line">
        {options.map(({ value, label, note }) => (
          <label
            key={value}
            className="flex cursor-pointer items-start gap-3 px-4 py-3 has-focus-visible:outline-2 has-focus-visible:outline-tide"
          >
            <input
              type="radio"
              name={name}
              aria-label={label}
              checked={value === wish}
              onChange={() => onChoose(value)}
              className="mt-1 size-4 shrink-0 accent-(--tide)"
            />
            <span className="min-w-0 text-sm">
              <span className="block">{label}</span>
              <span className="block text-xs leading-5 text-ink-3">{note}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}
