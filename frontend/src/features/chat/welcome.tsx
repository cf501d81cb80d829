import { Trans, useLingui } from '@lingui/react/macro'

/** The question a new chat opens with. */
export function Greeting() {
  return (
    <h1 className="text-center text-xl font-medium tracking-tight text-balance wide:text-2xl">
      <Trans>What would you like to think through?</Trans>
    </h1>
  )
}

/** Beginnings for those who look for one: they are put into the composer, not sent. */
export function Suggestions({ onPick }: { onPick(text: string): void }) {
  const { t } = useLingui()
  const all = [
    { label: t`Explain an idea`, text: t`Explain to me, step by step and with an example: ` },
    { label: t`Review my code`, text: t`Review this code. Say first what could break:\n\n` },
    { label: t`Compare in a table`, text: t`Compare these in a table, with what speaks for and against each: ` },
    { label: t`Translate`, text: t`Translate into Chinese and explain difficult places: ` },
  ]
  return (
    <ul aria-label={t`Ways to begin`} className="flex flex-wrap justify-center gap-2">
      {all.map(({ label, text }) => (
        <li key={label}>
          <button
            type="button"
            onClick={() => onPick(text)}
            className="min-h-8 rounded-full border border-line-strong px-3.5 text-sm text-ink-2 transition-colors hover:bg-hover hover:text-ink touch:min-h-11"
          >
            {label}
          </button>
        </li>
      ))}
    </ul>
  )
}
