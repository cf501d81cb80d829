import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { ConfirmStep } from '@/components/page/confirm-step'
import { returnedText, sortRefusals, wantsProof } from '@/components/page/refusal-words'
import { Section } from '@/components/page/section'
import { Segments } from '@/components/page/segments'
import { TextField } from '@/components/page/text-field'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { OperatorAdjustDocument } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { creditsText, exactCredits } from '@/lib/credits'
import { type Outcome, useMutationAct } from '@/lib/graphql/act'
import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { randomId } from '@/lib/random-id'
import { type AdjustField, type AdjustFields, adjustFaults, adjustInput, maxReason, typedAmount } from './adjust-input'
import { useLinked } from './use-identities'

const formName = 'operator-adjust'
const fieldNames = ['account', 'amount', 'reason'] as const
type Faults = { byField: Partial<Record<AdjustField, string>>; whole: string | null }
const noFaults: Faults = { byField: {}, whole: null }

/** Gives an account credits, or takes some, with a reason. */
export function Adjust({ error }: { error: string | null }) {
  const { t } = useLingui()
  return (
    <Section
      title={t`Give or take credits`}
      note={t`A transfer of its own in the ledger, which nothing can remove: a mistake is put right by the opposite. The account’s owner sees the reason.`}
    >
      <AdjustForm error={error} />
    </Section>
  )
}

/** What was typed, also before a way to a provider and back. One id until it is done: twice sent counts once. */
function useFields() {
  const [kept] = useState(() => readForm(formName))
  useEffect(forgetForm, [])
  const [clientId, setClientId] = useState(kept?.clientId ?? randomId)
  const [fields, setFields] = useState<AdjustFields>({
    account: kept?.account ?? '',
    direction: kept?.direction === 'take' ? 'take' : 'give',
    amount: kept?.amount ?? '',
    reason: kept?.reason ?? '',
  })
  const change = (more: Partial<AdjustFields>) => setFields((now) => ({ ...now, ...more }))
  const begin = () => {
    setClientId(randomId())
    setFields((now) => ({ ...now, amount: '', reason: '' }))
  }
  const keep = () => keepForm(formName, { ...fields, clientId })
  return { fields, change, clientId, begin, keep, returned: kept !== null }
}

function AdjustForm({ error }: { error: string | null }) {
  const { t } = useLingui()
  const { fields, change, clientId, begin, keep, returned } = useFields()
  const run = useMutationAct(OperatorAdjustDocument, (data) => data.creditAdjust)
  const linked = useLinked()
  const [step, setStep] = useState<'typing' | 'asking' | 'sending' | 'proving'>('typing')
  const [faults, setFaults] = useState<Faults>(noFaults)
  const [done, setDone] = useState<{ account: string; balance: string } | null>(null)
  const words = useFaultWords()

  const review = (event: FormEvent) => {
    event.preventDefault()
    const wrong = adjustFaults(fields)
    setDone(null)
    setFaults({ byField: Object.fromEntries(wrong.map((field) => [field, words.own[field]])), whole: null })
    if (wrong.length === 0) setStep('asking')
  }
  const send = async () => {
    setStep('sending')
    const outcome = await run({ input: adjustInput(fields, clientId) })
    const proof = wantsProof(outcome)
    setStep(proof ? 'proving' : 'typing')
    setFaults(proof ? noFaults : words.of(outcome))
    if (outcome.kind !== 'done') return
    setDone({ account: fields.account.trim(), balance: outcome.payload.balance ?? '0' })
    announce(t`Done.`)
    begin()
  }
  const back = returned && !error ? t`You’re confirmed. What you typed is still here: send it now.` : returnedText(error)
  return (
    <form onSubmit={review} noValidate className="space-y-5">
      {back && step === 'typing' && !done && (
        <Notice tone={error ? 'danger' : 'info'} role="status">
          {back}
        </Notice>
      )}
      <fieldset disabled={step !== 'typing'} className="space-y-5 disabled:opacity-70">
        <AdjustInputs fields={fields} faults={faults.byField} onChange={change} />
      </fieldset>
      {faults.whole && (
        <Notice tone="danger" role="alert">
          {faults.whole}
        </Notice>
      )}
      {done && <Done {...done} />}
      {step === 'typing' && (
        <Button type="submit" look="primary">
          <Trans>Review</Trans>
        </Button>
      )}
      {(step === 'asking' || step === 'sending') && (
        <Review fields={fields} busy={step === 'sending'} onSend={() => void send()} onCancel={() => setStep('typing')} />
      )}
      {step === 'proving' && (
        <ConfirmStep linked={linked} returnTo="/operator/money" onLeave={keep} onCancel={() => setStep('typing')} />
      )}
    </form>
  )
}

interface AdjustInputsProps {
  fields: AdjustFields
  faults: Faults['byField']
  onChange(more: Partial<AdjustFields>): void
}

function AdjustInputs({ fields, faults, onChange }: AdjustInputsProps) {
  const { t } = useLingui()
  return (
    <div className="grid gap-x-6 gap-y-5 sm:grid-cols-2">
      <TextField
        label={t`Account`}
        note={t`Its id or its e-mail address.`}
        autoComplete="off"
        spellCheck={false}
        value={fields.account}
        onChange={(account) => onChange({ account })}
        error={faults.account}
      />
      <div className="flex items-start gap-4">
        <div>
          <p aria-hidden="true" className="mb-1 text-sm font-medium">
            <Trans>What to do</Trans>
          </p>
          <Segments
            label={t`What to do`}
            value={fields.direction}
            options={[
              { value: 'give', label: t`Give` },
              { value: 'take', label: t`Take` },
            ]}
            onChoose={(direction) => onChange({ direction })}
          />
        </div>
        <div className="min-w-0 flex-1">
          <TextField
            label={t`Credits`}
            note={t`At most six decimal places.`}
            inputMode="decimal"
            autoComplete="off"
            value={fields.amount}
            onChange={(amount) => onChange({ amount })}
            error={faults.amount}
          />
        </div>
      </div>
      <div className="sm:col-span-2">
        <TextField
          label={t`Reason`}
          note={t`At most ${maxReason} characters; the account’s owner reads it.`}
          autoComplete="off"
          value={fields.reason}
          onChange={(reason) => onChange({ reason })}
          error={faults.reason}
        />
      </div>
    </div>
  )
}

interface ReviewProps {
  fields: AdjustFields
  busy: boolean
  onSend(): void
  onCancel(): void
}

/** What is about to be done, said once more. */
function Review({ fields, busy, onSend, onCancel }: ReviewProps) {
  const first = useRef<HTMLButtonElement>(null)
  useEffect(() => first.current?.focus(), [])
  const size = typedAmount(fields.amount) ?? '0'
  const amount = exactCredits(size)
  const count = Number(size)
  const words = plural(count, { one: `${amount} credit`, other: `${amount} credits` })
  const account = <strong className="font-semibold break-all">{fields.account.trim()}</strong>
  return (
    <div role="status" className="fade-in rounded-row border border-line-strong bg-surface px-4 py-4 text-sm">
      <p>
        {fields.direction === 'give' ? (
          <Trans>
            {account} gets <strong className="font-semibold tabular-nums">{words}</strong>.
          </Trans>
        ) : (
          <Trans>
            {account} loses <strong className="font-semibold tabular-nums">{words}</strong>.
          </Trans>
        )}
      </p>
      <p className="mt-1 text-ink-2">“{fields.reason.trim()}”</p>
      <div className="mt-3 flex gap-2">
        <Button ref={first} look="primary" aria-disabled={busy} onClick={() => !busy && onSend()}>
          {fields.direction === 'give'
            ? plural(count, { one: `Give ${amount} credit`, other: `Give ${amount} credits` })
            : plural(count, { one: `Take ${amount} credit`, other: `Take ${amount} credits` })}
        </Button>
        <Button look="quiet" aria-disabled={busy} onClick={() => !busy && onCancel()}>
          <Trans>Change it</Trans>
        </Button>
      </div>
    </div>
  )
}

function Done({ account, balance }: { account: string; balance: string }) {
  const amount = creditsText(balance)
  return (
    <Notice tone="info" role="status">
      <Trans>
        Done. The balance of {account} is now{' '}
        <data value={balance}>{plural(Number(balance), { one: `${amount} credit`, other: `${amount} credits` })}</data>.
      </Trans>
    </Notice>
  )
}

function useFaultWords() {
  const { t } = useLingui()
  const own: Record<AdjustField, string> = {
    account: t`Enter an account’s id or e-mail address.`,
    amount: t`Enter a number of credits above zero, for example 12.5.`,
    reason: t`Say why, in at most ${maxReason} characters.`,
  }
  const of = (outcome: Outcome<unknown>): Faults => {
    const code = outcome.kind === 'refused' ? outcome.refusals[0].code : null
    if (code === 'NOT_FOUND') return { byField: { account: t`No account has this id or address.` }, whole: null }
    if (code === 'INSUFFICIENT_CREDITS') {
      return { byField: { amount: t`The account doesn’t have that much available.` }, whole: null }
    }
    return sortRefusals(outcome, fieldNames)
  }
  return { own, of }
}
