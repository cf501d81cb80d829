import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { useState } from 'react'
import { moment } from '@/components/page/moments'
import { type ListEnd, MoreRows } from '@/components/page/more-rows'
import { Section } from '@/components/page/section'
import { Button } from '@/components/ui/button'
import { OperatorVerifyDocument } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { numberText } from '@/lib/credits'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { StandingMark } from './standing-mark'
import type { MoneyState } from './use-money'

type Check = MoneyState['checks'][number]

/** The checks of the books: every invariant of the newest, and how the earlier ones ended. */
export function Books({ checks, end, onChecked }: { checks: readonly Check[]; end: ListEnd; onChecked(): void }) {
  const { t } = useLingui()
  const run = useMutationAct(OperatorVerifyDocument, (data) => data.ledgerVerify)
  const [busy, setBusy] = useState(false)
  const [newest] = checks
  const verify = async () => {
    setBusy(true)
    const outcome = await run({})
    setBusy(false)
    toastOutcome(outcome)
    if (outcome.kind === 'done') announce(outcome.payload.check ? t`The books are checked.` : '')
    onChecked()
  }
  return (
    <Section
      anchor="books"
      title={t`The books`}
      note={t`Every entry is read again and compared with every sum. It happens every hour by itself; whatever is broken is shown and never silently mended.`}
    >
      <div className="mb-4 flex flex-wrap items-center gap-x-4 gap-y-2">
        <Button aria-disabled={busy} onClick={() => !busy && void verify()}>
          {busy ? <Trans>Checking…</Trans> : <Trans>Check now</Trans>}
        </Button>
        {newest && <LastCheck check={newest} />}
      </div>
      {newest ? <Findings check={newest} /> : <NotYet />}
      {checks.length > 1 && <Earlier checks={checks} />}
      <MoreRows end={end} look="quiet">
        <Trans>Show earlier checks</Trans>
      </MoreRows>
    </Section>
  )
}

function NotYet() {
  return (
    <p className="text-sm text-ink-3">
      <Trans>The books haven’t been checked yet.</Trans>
    </p>
  )
}

function LastCheck({ check }: { check: Check }) {
  const { t } = useLingui()
  const took = Math.max(0, Date.parse(check.finishedAt) - Date.parse(check.startedAt)) / 1000
  const seconds = took.toFixed(took < 10 ? 1 : 0)
  return (
    <p className="text-sm">
      <StandingMark standing={check.ok ? 'well' : 'wrong'}>
        {check.ok ? t`Every invariant holds` : t`An invariant is broken`}
        <span className="text-ink-3"> · {t`${moment(check.finishedAt)}, in ${seconds} s`}</span>
      </StandingMark>
    </p>
  )
}

function Findings({ check }: { check: Check }) {
  const { t } = useLingui()
  return (
    <ul aria-label={t`Invariants`} className="divide-y divide-line border-y border-line">
      {check.findings.map(({ invariant, title, checked, faults }) => (
        <li key={invariant} className="py-2.5 text-sm">
          <div className="flex items-start gap-3">
            <StandingMark standing={faults.length === 0 ? 'well' : 'wrong'}>
              <span className="sr-only">{faults.length === 0 ? t`holds:` : t`broken:`}</span>
            </StandingMark>
            <span className="w-9 shrink-0 font-mono text-xs leading-6 text-ink-3">{invariant}</span>
            <span lang="en" className="min-w-0 flex-1">
              {title}
            </span>
            <span className="text-xs leading-6 whitespace-nowrap text-ink-3 tabular-nums">
              {plural(checked, { one: '# row', other: '# rows' })}
            </span>
          </div>
          {faults.length > 0 && (
            <ul className="mt-2 ml-8 space-y-1 rounded-row bg-sunken px-3 py-2 font-mono text-xs break-all text-danger">
              {faults.map((fault) => (
                <li key={fault} className="select-all">
                  {fault}
                </li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
  )
}

/** The last checks as a strip, the newest on the right. */
function Earlier({ checks }: { checks: readonly Check[] }) {
  const { t } = useLingui()
  const broken = checks.filter(({ ok }) => !ok).length
  const count = numberText(checks.length)
  return (
    <div className="mt-4 flex flex-wrap items-center gap-x-4 gap-y-2 text-xs text-ink-3">
      <div aria-hidden="true" className="flex flex-wrap gap-0.5">
        {checks.toReversed().map(({ id, ok, finishedAt }) => (
          <span key={id} title={moment(finishedAt)} className={`h-5 w-1.5 rounded-sm ${ok ? 'bg-ok opacity-60' : 'bg-danger'}`} />
        ))}
      </div>
      <p>
        {broken === 0
          ? t`The last ${count} checks found nothing.`
          : t`${plural(broken, { one: '# check', other: '# checks' })} of the last ${count} found something.`}
      </p>
    </div>
  )
}
