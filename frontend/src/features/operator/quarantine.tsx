import { Trans, useLingui } from '@lingui/react/macro'
import { useEffect, useState } from 'react'
import { ConfirmStep } from '@/components/page/confirm-step'
import { sortRefusals, wantsProof } from '@/components/page/refusal-words'
import { type ListEnd, MoreRows } from '@/components/page/more-rows'
import { Section } from '@/components/page/section'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { OperatorQuarantineResolveDocument, type QuarantineDecision } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { useMutationAct } from '@/lib/graphql/act'
import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { QuarantinedPayment } from './quarantined-payment'
import { useLinked } from './use-identities'
import type { MoneyState } from './use-money'

type Payment = MoneyState['quarantined'][number]

const formName = 'operator-quarantine'

interface QuarantineProps {
  /** Waiting ones first. */
  payments: readonly Payment[]
  end: ListEnd
  onChanged(): void
}

/** Payments that contradict what was bought, and the decision about each. */
export function Quarantine({ payments, end, onChanged }: QuarantineProps) {
  const { t } = useLingui()
  const run = useMutationAct(OperatorQuarantineResolveDocument, (data) => data.quarantineResolve)
  const linked = useLinked()
  const [kept] = useState(() => readForm(formName))
  useEffect(() => {
    if (kept) forgetForm()
  }, [kept])
  const [busy, setBusy] = useState(false)
  const [proving, setProving] = useState<{ id: string; decision: QuarantineDecision } | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const [decided, setDecided] = useState(false)
  const waiting = payments.filter(({ resolvedAt }) => resolvedAt === null)
  const rest = payments.filter(({ resolvedAt }) => resolvedAt !== null)

  const decide = async (id: string, decision: QuarantineDecision) => {
    setBusy(true)
    setFault(null)
    const outcome = await run({ input: { quarantineId: id, decision } })
    setBusy(false)
    if (wantsProof(outcome)) {
      setProving({ id, decision })
      return
    }
    setProving(null)
    setFault(sortRefusals(outcome, []).whole)
    if (outcome.kind === 'done') announce(t`Decided.`)
    onChanged()
  }
  return (
    <Section
      anchor="quarantine"
      title={t`Payments in quarantine`}
      note={t`What a provider told of these payments contradicts what was bought. Nothing was credited: somebody has to look.`}
    >
      {fault && (
        <Notice tone="danger" role="alert">
          {fault}
        </Notice>
      )}
      {waiting.length === 0 && (
        <p className="text-sm text-ink-3">
          <Trans>None waits for a decision.</Trans>
        </p>
      )}
      <Payments
        label={t`Waiting payments`}
        payments={waiting}
        busy={busy}
        asked={kept}
        onDecide={(id, what) => void decide(id, what)}
      />
      {rest.length === 0 && <MoreRows end={end} look="quiet" />}
      {proving && (
        <ConfirmStep
          linked={linked}
          returnTo="/operator/money"
          onLeave={() => keepForm(formName, proving)}
          onCancel={() => setProving(null)}
        />
      )}
      {rest.length > 0 && (
        <Button look="quiet" aria-expanded={decided} onClick={() => setDecided(!decided)} className="mt-2 -ml-3">
          {decided ? <Trans>Hide decided payments</Trans> : <Trans>Show decided payments</Trans>}
        </Button>
      )}
      {decided && (
        <>
          <Payments label={t`Decided payments`} payments={rest} busy={busy} asked={null} onDecide={() => {}} />
          {rest.length > 0 && <MoreRows end={end} look="quiet" />}
        </>
      )}
    </Section>
  )
}

interface PaymentsProps {
  label: string
  payments: readonly Payment[]
  busy: boolean
  /** What was about to be decided before its operator had to prove who he is. */
  asked: Record<string, string> | null
  onDecide(id: string, decision: QuarantineDecision): void
}

function Payments({ label, payments, busy, asked, onDecide }: PaymentsProps) {
  if (payments.length === 0) return null
  return (
    <ul aria-label={label} className="divide-y divide-line border-y border-line">
      {payments.map((payment) => (
        <QuarantinedPayment
          key={payment.id}
          payment={payment}
          busy={busy}
          asking={asked?.id === payment.id ? (asked.decision as QuarantineDecision) : null}
          onDecide={(decision) => onDecide(payment.id, decision)}
        />
      ))}
    </ul>
  )
}
