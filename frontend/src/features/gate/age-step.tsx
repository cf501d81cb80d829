import { Trans, useLingui } from '@lingui/react/macro'
import { type FormEvent, useEffect, useId, useRef, useState } from 'react'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { AgeConfirmDocument } from '@/gql/graphql'
import { errorText } from '@/lib/error-text'
import { useMutationAct } from '@/lib/graphql/act'
import { monthNames, yearsToNow } from './months'

const field =
  'min-h-10 w-full rounded-control border border-control bg-surface px-3 text-base text-ink aria-invalid:border-danger touch:min-h-11'

/** Asks for the month of birth, without a word about what answer is wanted. */
export function AgeStep({ onDone, onLater }: { onDone(): void; onLater(): void }) {
  const { t, i18n } = useLingui()
  const confirm = useMutationAct(AgeConfirmDocument, (data) => data.ageConfirm)
  const [month, setMonth] = useState('')
  const [year, setYear] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const first = useRef<HTMLSelectElement>(null)
  const id = useId()
  useEffect(() => first.current?.focus(), [])

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (busy) return
    if (month === '' || year === '') {
      setFault(t`Choose a month and a year.`)
      return
    }
    setBusy(true)
    const outcome = await confirm({ input: { birthMonth: Number(month), birthYear: Number(year) } })
    setBusy(false)
    if (outcome.kind === 'done') onDone()
    // A refusal of the age comes with a gate that says so; the dialog shows it.
    else setFault(wordsFor(outcome.kind === 'refused' ? outcome.refusals[0] : { code: 'UNREACHABLE' }))
  }
  const wordsFor = (refusal: Parameters<typeof errorText>[0]) =>
    refusal.code === 'INVALID' ? t`Choose the month and year in which you were born.` : errorText(refusal)

  const select = { 'aria-invalid': fault !== null, 'aria-describedby': `${id}-fault`, className: field } as const
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <fieldset className="min-w-0">
        <legend className="text-md font-medium">
          <Trans>When were you born?</Trans>
        </legend>
        <p className="mt-1 text-sm text-ink-2">
          <Trans>We ask everybody once. Your answer isn’t stored, only whether you may use this service.</Trans>
        </p>
        <div className="mt-4 grid grid-cols-2 gap-3">
          <label className="text-sm text-ink-2">
            <span className="mb-1 block">{t`Month`}</span>
            <select
              data-first
              ref={first}
              value={month}
              autoComplete="bday-month"
              onChange={(event) => setMonth(event.target.value)}
              {...select}
            >
              <option value="" aria-label={t`Not chosen`} />
              {monthNames(i18n.locale).map((name, index) => (
                <option key={name} value={index + 1}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label className="text-sm text-ink-2">
            <span className="mb-1 block">{t`Year`}</span>
            <select value={year} autoComplete="bday-year" onChange={(event) => setYear(event.target.value)} {...select}>
              <option value="" aria-label={t`Not chosen`} />
              {yearsToNow().map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
        </div>
      </fieldset>
      <div id={`${id}-fault`} className="mt-3 empty:hidden">
        {fault && (
          <Notice role="alert" tone="danger">
            {fault}
          </Notice>
        )}
      </div>
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        <Button look="quiet" onClick={onLater}>
          <Trans>Not now</Trans>
        </Button>
        <Button type="submit" look="primary" aria-disabled={busy}>
          <Trans>Continue</Trans>
        </Button>
      </div>
    </form>
  )
}
