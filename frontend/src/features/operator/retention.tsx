import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { useEffect, useState } from 'react'
import { ConfirmStep } from '@/components/page/confirm-step'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { sortRefusals, wantsProof } from '@/components/page/refusal-words'
import { Notice } from '@/components/ui/notice'
import { OperatorRetentionConfirmDocument } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { useMutationAct } from '@/lib/graphql/act'
import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { RetentionRule } from './retention-rule'
import { StandingMark } from './standing-mark'
import { useLinked } from './use-identities'
import { type Rule, ruleStanding, useRetention } from './use-retention'

const formName = 'operator-retention'

/** Retention: how long things are kept, what ends when, and what holds it. */
export function Retention() {
  const { t } = useLingui()
  const { rules, failed, refresh } = useRetention()
  const run = useMutationAct(OperatorRetentionConfirmDocument, (data) => data.retentionConfirm)
  const linked = useLinked()
  const [kept] = useState(() => readForm(formName))
  useEffect(() => {
    if (kept) forgetForm()
  }, [kept])
  const [busy, setBusy] = useState(false)
  const [proving, setProving] = useState<string | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const confirm = async (table: string) => {
    setBusy(true)
    setFault(null)
    const outcome = await run({ input: { table } })
    setBusy(false)
    if (wantsProof(outcome)) {
      setProving(table)
      return
    }
    setProving(null)
    setFault(sortRefusals(outcome, []).whole)
    if (outcome.kind === 'done') announce(t`Confirmed.`)
    refresh()
  }
  if (failed) return <LoadFailed onRetry={refresh} />
  if (!rules) return <Loading />
  return (
    <>
      <p className="max-w-prose text-sm text-ink-2">
        <Trans>
          These tables don’t keep their rows. What is over is shown to nobody from that second on; a sweep deletes it soon after,
          and leaves a receipt with counts. What is not listed is kept as long as its account, or for ever.
        </Trans>
      </p>
      <p className="my-5 text-sm font-medium">
        <Summary rules={rules} />
      </p>
      {fault && (
        <Notice tone="danger" role="alert">
          {fault}
        </Notice>
      )}
      {proving && (
        <ConfirmStep
          linked={linked}
          returnTo="/operator/retention"
          onLeave={() => keepForm(formName, { table: proving })}
          onCancel={() => setProving(null)}
        />
      )}
      <ul aria-label={t`Rules of retention`} className="divide-y divide-line border-y border-line">
        {rules.map((rule) => (
          <RetentionRule
            key={rule.table}
            rule={rule}
            busy={busy}
            asking={kept?.table === rule.table}
            onConfirm={() => void confirm(rule.table)}
          />
        ))}
      </ul>
    </>
  )
}

function Summary({ rules }: { rules: readonly Rule[] }) {
  const overdue = rules.filter((rule) => ruleStanding(rule) === 'wrong').length
  const held = rules.filter(({ hold }) => hold).length
  if (overdue > 0) {
    return (
      <StandingMark standing="wrong">{plural(overdue, { one: '# rule is overdue', other: '# rules are overdue' })}</StandingMark>
    )
  }
  if (held > 0) {
    return <StandingMark standing="look">{plural(held, { one: '# rule is held', other: '# rules are held' })}</StandingMark>
  }
  return (
    <StandingMark standing="well">
      <Trans>Everything that is over is gone.</Trans>
    </StandingMark>
  )
}
