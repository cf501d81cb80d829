import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { useId, useState } from 'react'
import { moment } from '@/components/page/moments'
import { type ListEnd, MoreRows } from '@/components/page/more-rows'
import { Section } from '@/components/page/section'
import { Button } from '@/components/ui/button'
import { OperatorReconcileDocument, type PaymentProvider } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { agreement } from './glance'
import { paymentProviderName } from './provider-names'
import { StandingMark } from './standing-mark'
import type { MoneyState } from './use-money'

type Comparison = MoneyState['comparisons'][number]

/** How many comparisons are listed before more are wanted. */
const shownAtFirst = 6

interface ComparisonsProps {
  comparisons: readonly Comparison[]
  providers: readonly PaymentProvider[]
  end: ListEnd
  onCompared(): void
}

/** The comparisons of the providers' payments with the ledger. */
export function Comparisons({ comparisons, providers, end, onCompared }: ComparisonsProps) {
  const { t } = useLingui()
  const run = useMutationAct(OperatorReconcileDocument, (data) => data.reconcile)
  const [busy, setBusy] = useState(false)
  const [all, setAll] = useState(false)
  const compare = async () => {
    setBusy(true)
    const outcome = await run({})
    setBusy(false)
    toastOutcome(outcome)
    if (outcome.kind === 'done') announce(t`The payments are compared.`)
    onCompared()
  }
  const shown = all ? comparisons : comparisons.slice(0, shownAtFirst)
  return (
    <Section
      anchor="payments"
      title={t`Payments and ledger`}
      note={t`Every 15 minutes the providers’ payments of the last 72 hours are compared with the ledger. A notification that never came is made up for here.`}
    >
      {providers.length === 0 ? (
        <p className="text-sm text-ink-3">
          <Trans>No payment provider is set up, so nothing can be bought.</Trans>
        </p>
      ) : (
        <Button aria-disabled={busy} onClick={() => !busy && void compare()}>
          {busy ? <Trans>Comparing…</Trans> : <Trans>Compare now</Trans>}
        </Button>
      )}
      {comparisons.length > 0 && (
        <ul aria-label={t`Comparisons`} className="mt-4 divide-y divide-line border-y border-line">
          {shown.map((comparison) => (
            <ComparisonRow key={comparison.id} comparison={comparison} />
          ))}
        </ul>
      )}
      {all ? (
        <MoreRows end={end} look="quiet">
          <Trans>Show earlier comparisons</Trans>
        </MoreRows>
      ) : (
        (end.hasMore || comparisons.length > shown.length) && (
          <Button look="quiet" onClick={() => setAll(true)} className="mt-2 -ml-3">
            <Trans>Show earlier comparisons</Trans>
          </Button>
        )
      )}
    </Section>
  )
}

function ComparisonRow({ comparison }: { comparison: Comparison }) {
  const { t } = useLingui()
  const id = useId()
  const { provider, compared, repaired, differences, failure, finishedAt } = comparison
  const standing = agreement({ comparisons: [comparison], providers: [] })
  const [open, setOpen] = useState(standing === 'wrong')
  const count = plural(compared, { one: '# payment', other: '# payments' })
  const words = failure
    ? t`not finished`
    : differences.length === 0
      ? t`agree`
      : t`${plural(differences.length, { one: '# difference', other: '# differences' })}, ${repaired} put right`
  return (
    <li className="py-2.5 text-sm">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <span className="w-16 font-medium">{paymentProviderName(provider)}</span>
        <span className="min-w-40 flex-1">
          <StandingMark standing={standing}>
            {words}
            <span className="text-ink-3"> · {count}</span>
          </StandingMark>
        </span>
        <span className="text-xs text-ink-3">{moment(finishedAt)}</span>
        {differences.length > 0 && (
          <Button look="quiet" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
            {open ? <Trans>Hide</Trans> : <Trans>Show</Trans>}
          </Button>
        )}
      </div>
      {failure && (
        <p lang="en" className="mt-1 text-xs break-words text-danger">
          {failure}
        </p>
      )}
      <div id={id} hidden={!open}>
        {open && differences.length > 0 && (
          <ul lang="en" className="mt-2 space-y-1 rounded-row bg-sunken px-3 py-2 font-mono text-xs break-all">
            {differences.map((difference) => (
              <li key={difference}>{difference}</li>
            ))}
          </ul>
        )}
      </div>
    </li>
  )
}
