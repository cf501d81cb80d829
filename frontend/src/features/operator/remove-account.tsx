import { Trans, useLingui } from '@lingui/react/macro'
import { type FormEvent, useEffect, useState } from 'react'
import { ConfirmStep } from '@/components/page/confirm-step'
import { returnedText, sortRefusals, wantsProof } from '@/components/page/refusal-words'
import { Fact, Facts, Section } from '@/components/page/section'
import { TextField } from '@/components/page/text-field'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { OperatorRemoveDocument, type OperatorRemoveMutation, type RemovalReason } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { numberText } from '@/lib/credits'
import { useMutationAct } from '@/lib/graphql/act'
import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { useLinked } from './use-identities'

const formName = 'operator-remove'
const fieldNames = ['account', 'confirmation', 'reason'] as const
const reasons: readonly RemovalReason[] = ['UNDER_AGE', 'REQUESTED', 'ABUSE']

interface Fields {
  account: string
  confirmation: string
  reason: RemovalReason | null
}

type Faults = Partial<Record<(typeof fieldNames)[number], string>>
type Receipt = NonNullable<OperatorRemoveMutation['accountRemove']['receipt']>

/** Deletes an account for good, after it was named twice and a reason was chosen. */
export function RemoveAccount({ error }: { error: string | null }) {
  const { t } = useLingui()
  const { fields, change, clear, keep, returned } = useFields()
  const { step, faults, whole, receipt, check, remove, cancel } = useRemoval(fields, clear)
  const linked = useLinked()
  const back = returned && !error ? t`You’re confirmed. What you typed is still here: go on now.` : returnedText(error)
  return (
    <Section
      title={t`Remove an account`}
      note={t`All that is its own is deleted at once and for good: conversations, keys, payments’ details, sessions. Answers stop, sockets close. What remains is a receipt of counts, which names nobody.`}
    >
      <form onSubmit={check} noValidate className="space-y-5">
        {back && step === 'typing' && !receipt && (
          <Notice tone={error ? 'danger' : 'info'} role="status">
            {back}
          </Notice>
        )}
        <fieldset disabled={step !== 'typing'} className="space-y-5 disabled:opacity-70">
          <Inputs fields={fields} faults={faults} onChange={change} />
        </fieldset>
        {whole && (
          <Notice tone="danger" role="alert">
            {whole}
          </Notice>
        )}
        {step === 'typing' && (
          <Button type="submit" look="danger">
            <Trans>Remove …</Trans>
          </Button>
        )}
        {(step === 'asking' || step === 'sending') && (
          <Asking account={fields.account.trim()} busy={step === 'sending'} onRemove={remove} onCancel={cancel} />
        )}
        {step === 'proving' && <ConfirmStep linked={linked} returnTo="/operator/people" onLeave={keep} onCancel={cancel} />}
      </form>
      {receipt && <Removed receipt={receipt} />}
    </Section>
  )
}

/** What was typed, also before a way to a provider and back. */
function useFields() {
  const [kept] = useState(() => readForm(formName))
  useEffect(forgetForm, [])
  const [fields, setFields] = useState<Fields>({
    account: kept?.account ?? '',
    confirmation: kept?.confirmation ?? '',
    reason: reasons.find((one) => one === kept?.reason) ?? null,
  })
  return {
    fields,
    change: (more: Partial<Fields>) => setFields((now) => ({ ...now, ...more })),
    clear: () => setFields({ account: '', confirmation: '', reason: null }),
    keep: () => keepForm(formName, { ...fields, reason: fields.reason ?? '' }),
    returned: kept !== null,
  }
}

function useRemoval(fields: Fields, clear: () => void) {
  const { t } = useLingui()
  const run = useMutationAct(OperatorRemoveDocument, (data) => data.accountRemove)
  const [step, setStep] = useState<'typing' | 'asking' | 'sending' | 'proving'>('typing')
  const [faults, setFaults] = useState<Faults>({})
  const [whole, setWhole] = useState<string | null>(null)
  const [receipt, setReceipt] = useState<Receipt | null>(null)

  const check = (event: FormEvent) => {
    event.preventDefault()
    const account = fields.account.trim()
    const wrong: Faults = {
      ...(account === '' ? { account: t`Enter an account’s id or e-mail address.` } : {}),
      ...(fields.confirmation.trim() === '' ? { confirmation: t`Enter it once more, against slips.` } : {}),
      ...(fields.reason === null ? { reason: t`Choose why.` } : {}),
    }
    setReceipt(null)
    setWhole(null)
    setFaults(wrong)
    if (Object.keys(wrong).length === 0) setStep('asking')
  }
  const remove = async () => {
    const { account, confirmation, reason } = fields
    if (reason === null) return
    setStep('sending')
    const outcome = await run({ input: { account: account.trim(), confirmation: confirmation.trim(), reason } })
    const proof = wantsProof(outcome)
    setStep(proof ? 'proving' : 'typing')
    if (proof) return
    const sorted = sortRefusals(outcome, fieldNames)
    const unknown = outcome.kind === 'refused' && outcome.refusals[0].code === 'NOT_FOUND'
    setFaults(unknown ? { account: t`No account has this id or address.` } : sorted.byField)
    setWhole(unknown ? null : sorted.whole)
    if (outcome.kind !== 'done') return
    setReceipt(outcome.payload.receipt)
    announce(t`The account is removed.`)
    clear()
  }
  return { step, faults, whole, receipt, check, remove: () => void remove(), cancel: () => setStep('typing') }
}

interface InputsProps {
  fields: Fields
  faults: Faults
  onChange(more: Partial<Fields>): void
}

function Inputs({ fields, faults, onChange }: InputsProps) {
  const { t } = useLingui()
  const words: Record<RemovalReason, string> = {
    UNDER_AGE: t`Its owner turned out to be too young`,
    REQUESTED: t`Its owner asked for it`,
    ABUSE: t`It was used against the rules`,
  }
  return (
    <>
      <TextField
        label={t`Account`}
        note={t`Its id or its e-mail address; a guest’s id works too.`}
        autoComplete="off"
        spellCheck={false}
        value={fields.account}
        onChange={(account) => onChange({ account })}
        error={faults.account}
      />
      <TextField
        label={t`The same once more`}
        note={t`Its id or its e-mail address again.`}
        autoComplete="off"
        spellCheck={false}
        value={fields.confirmation}
        onChange={(confirmation) => onChange({ confirmation })}
        error={faults.confirmation}
      />
      <fieldset>
        <legend className="mb-1 text-sm font-medium">{t`Why`}</legend>
        {reasons.map((reason) => (
          <label key={reason} className="flex min-h-8 items-center gap-2.5 text-sm touch:min-h-11">
            <input
              type="radio"
              name="reason"
              value={reason}
              checked={fields.reason === reason}
              onChange={() => onChange({ reason })}
              className="size-4 accent-tide"
            />
            {words[reason]}
          </label>
        ))}
        {faults.reason && (
          <p role="alert" className="mt-1 text-sm text-danger">
            {faults.reason}
          </p>
        )}
      </fieldset>
    </>
  )
}

interface AskingProps {
  account: string
  busy: boolean
  onRemove(): void
  onCancel(): void
}

function Asking({ account, busy, onRemove, onCancel }: AskingProps) {
  const { t } = useLingui()
  return (
    <div
      role="group"
      aria-label={t`Remove for good?`}
      className="fade-in rounded-row border border-line-strong bg-surface px-4 py-4 text-sm"
    >
      <p>
        <Trans>
          <strong className="font-semibold break-all">{account}</strong> is removed for good. Nobody can bring it back.
        </Trans>
      </p>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button look="danger" aria-disabled={busy} onClick={() => !busy && onRemove()}>
          {busy ? <Trans>Removing …</Trans> : <Trans>Remove it for good</Trans>}
        </Button>
        <Button look="quiet" aria-disabled={busy} onClick={() => !busy && onCancel()}>
          <Trans>Cancel</Trans>
        </Button>
      </div>
    </div>
  )
}

function Removed({ receipt }: { receipt: Receipt }) {
  const { t } = useLingui()
  return (
    <div role="status" className="fade-in mt-6 rounded-row bg-tide-soft px-4 py-4 text-sm">
      <p className="mb-3 font-medium">
        <Trans>The account is removed.</Trans>
      </p>
      <Facts>
        <Fact name={t`Receipt`}>
          <code className="font-mono text-xs select-all">{receipt.id}</code>
        </Fact>
        {receipt.tables.map(({ table, rows }) => (
          <Fact key={table} name={table}>
            <span className="tabular-nums">{numberText(rows)}</span>
          </Fact>
        ))}
      </Facts>
    </div>
  )
}
