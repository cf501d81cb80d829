import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { useState } from 'react'
import { moment } from '@/components/page/moments'
import { type ListEnd, MoreRows } from '@/components/page/more-rows'
import { Section } from '@/components/page/section'
import { Button } from '@/components/ui/button'
import { OperatorUsageReviewDocument } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { creditsText, exactCredits, numberText } from '@/lib/credits'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { Estimates } from './estimates'
import type { MoneyState } from './use-money'

type Odd = MoneyState['absurd'][number]

interface OddUsageProps {
  absurd: readonly Odd[]
  estimates: MoneyState['estimates']
  end: ListEnd
  onReviewed(): void
}

/** What engines claimed that nobody believes, and how far our own count is off theirs. */
export function OddUsage({ absurd, estimates, end, onReviewed }: OddUsageProps) {
  const { t } = useLingui()
  // Later pages of the list aren't read again: what was looked at is left out here.
  const [reviewed, setReviewed] = useState<ReadonlySet<string>>(new Set())
  const left = absurd.filter(({ usage }) => !reviewed.has(usage.id))
  const onDone = (id: string) => {
    setReviewed((before) => new Set([...before, id]))
    onReviewed()
  }
  return (
    <>
      <Section
        anchor="usage"
        title={t`Absurd usage`}
        note={t`The engine sent numbers for these requests that can’t be. Our own count was charged instead.`}
      >
        {left.length === 0 && !end.hasMore && (
          <p className="text-sm text-ink-3">
            <Trans>There is nothing to look at.</Trans>
          </p>
        )}
        {left.length > 0 && (
          <ul aria-label={t`Requests to look at`} className="divide-y divide-line border-y border-line">
            {left.map((odd) => (
              <OddRow key={odd.usage.id} odd={odd} onReviewed={() => onDone(odd.usage.id)} onChanged={onReviewed} />
            ))}
          </ul>
        )}
        <MoreRows end={end} look="quiet" />
      </Section>
      <Section
        title={t`How well tokens are counted`}
        note={t`Where an engine sends no numbers our own count is charged. This is how far it was off where engines did send them, in the last 30 days.`}
      >
        <Estimates estimates={estimates} />
      </Section>
    </>
  )
}

interface OddRowProps {
  odd: Odd
  onReviewed(): void
  /** Somebody else was faster, perhaps. */
  onChanged(): void
}

function OddRow({ odd: { usage, reported }, onReviewed, onChanged }: OddRowProps) {
  const { t } = useLingui()
  const run = useMutationAct(OperatorUsageReviewDocument, (data) => data.usageReview)
  const [busy, setBusy] = useState(false)
  const review = async () => {
    setBusy(true)
    const outcome = await run({ input: { usageId: usage.id } })
    setBusy(false)
    toastOutcome(outcome)
    if (outcome.kind !== 'done') {
      onChanged()
      return
    }
    announce(t`Marked as reviewed.`)
    onReviewed()
  }
  const amount = creditsText(usage.credits)
  const counted = t`${numberText(usage.promptTokens)} read, ${numberText(usage.outputTokens)} written`
  return (
    <li className="flex flex-wrap items-start gap-x-6 gap-y-2 py-3 text-sm">
      <div className="min-w-0 flex-1 basis-72">
        <p className="font-medium">
          {usage.modelId} <span className="font-normal text-ink-3">· {moment(usage.createdAt)}</span>
        </p>
        <p className="mt-1 text-ink-2">
          <Trans>
            Charged: {counted},{' '}
            <data value={usage.credits} title={exactCredits(usage.credits)}>
              {plural(Number(usage.credits), { one: `${amount} credit`, other: `${amount} credits` })}
            </data>
          </Trans>
        </p>
        <p className="mt-0.5 text-ink-2">
          <Trans>
            Claimed:{' '}
            <code lang="en" className="font-mono text-xs break-all text-danger">
              {reported}
            </code>
          </Trans>
        </p>
        <p className="mt-0.5 text-xs text-ink-3">
          <code className="font-mono select-all">{usage.id}</code>
        </p>
      </div>
      <Button aria-disabled={busy} aria-label={t`Mark ${usage.id} as reviewed`} onClick={() => !busy && void review()}>
        <Trans>Reviewed</Trans>
      </Button>
    </li>
  )
}
