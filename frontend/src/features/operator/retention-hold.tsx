import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { ConfirmedButton } from '@/components/page/confirmed-button'
import { moment } from '@/components/page/moments'
import { Notice } from '@/components/ui/notice'
import type { RetentionHold } from '@/gql/graphql'
import { numberText } from '@/lib/credits'
import { tableWords } from './retention-words'
import type { Rule } from './use-retention'

interface RetentionHoldingProps {
  rule: Rule
  hold: NonNullable<Rule['hold']>
  busy: boolean
  /** Whether it is asked about from the start. */
  asking: boolean
  onConfirm(): void
}

/** Why nothing is deleted for the moment, and what ends that. */
export function RetentionHolding({ rule, hold, busy, asking, onConfirm }: RetentionHoldingProps) {
  const { t } = useLingui()
  const { kind, due, usual, since, until, confirmable, confirmedAt } = hold
  const name = tableWords(rule.table)
  const many = plural(due, { one: '# row would go', other: '# rows would go' })
  const reasons: Record<RetentionHold, string> = {
    CLOCKS: t`The clocks of this machine and of the database differ by more than an hour. Set them: when they agree, it goes on.`,
    JUMP: t`The clock has jumped ahead by more than an hour.`,
    MANY: t`${many}, where ${numberText(usual)} at most are usual.`,
  }
  const end = confirmedAt
    ? t`You have confirmed it: the next sweep goes on.`
    : until
      ? t`It goes on by itself at ${moment(until)}.`
      : ''
  return (
    <div className="mt-3">
      <Notice tone="info">
        <p>
          {reasons[kind]} {end}
        </p>
        <p className="mt-0.5 text-xs text-ink-3">
          <Trans>Held since {moment(since)}. Nobody is shown what is over.</Trans>
        </p>
        {confirmable && (
          <div className="mt-2">
            <ConfirmedButton
              label={t`Confirm …`}
              description={t`Confirm: ${name}`}
              question={
                kind === 'MANY' ? (
                  <Trans>All of it is deleted for good with the next sweep.</Trans>
                ) : (
                  <Trans>The clock is right, and what is over by it is deleted for good.</Trans>
                )
              }
              disabled={busy}
              asking={asking}
              onConfirm={onConfirm}
            />
          </div>
        )}
      </Notice>
    </div>
  )
}
