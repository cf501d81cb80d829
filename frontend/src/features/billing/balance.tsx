import { plural } from '@lingui/core/macro'
import { useLingui } from '@lingui/react/macro'
import { Section } from '@/components/page/section'
import { Notice } from '@/components/ui/notice'
import type { BalancePartsFragment } from '@/gql/graphql'
import { creditsText, exactCredits, zeroCredits } from '@/lib/credits'

/** What is in the wallet, to the last digit. */
export function Balance({ credits, canBuy }: { credits: BalancePartsFragment; canBuy: boolean }) {
  const { t } = useLingui()
  const owes = credits.owed !== zeroCredits
  const available = creditsText(credits.available)
  const held = creditsText(credits.held)
  const owed = exactCredits(credits.owed)
  const threshold = creditsText(credits.lowThreshold)
  return (
    <Section title={t`Balance`}>
      <p className="text-2xl font-semibold tabular-nums" role="status" title={exactCredits(credits.available)}>
        {available}{' '}
        <span className="text-md font-normal text-ink-2">{Number(credits.available) === 1 ? t`credit` : t`credits`}</span>
      </p>
      {credits.held !== zeroCredits && (
        <p className="mt-1 text-sm text-ink-2 tabular-nums">
          {plural(Number(credits.held), {
            one: `${held} more is set aside for answers that are being written; what they don’t use comes back.`,
            other: `${held} more are set aside for answers that are being written; what they don’t use comes back.`,
          })}
        </p>
      )}
      <div className="mt-4 space-y-2 empty:hidden">
        {owes && (
          <Notice role="status" tone="danger">
            {plural(Number(credits.owed), {
              one: `${owed} credit is owed: a payment was given back after its credits had been spent. Nothing can be sent until that is settled; credits that come in pay it first.`,
              other: `${owed} credits are owed: a payment was given back after its credits had been spent. Nothing can be sent until that is settled; credits that come in pay it first.`,
            })}
          </Notice>
        )}
        {credits.low && !owes && (
          <Notice role="status" tone="info">
            {canBuy
              ? plural(Number(credits.lowThreshold), {
                  one: `Your balance is below ${threshold} credit. Buy more below before an answer is refused.`,
                  other: `Your balance is below ${threshold} credits. Buy more below before an answer is refused.`,
                })
              : plural(Number(credits.lowThreshold), {
                  one: `Your balance is below ${threshold} credit. Ask the operator of this installation for more.`,
                  other: `Your balance is below ${threshold} credits. Ask the operator of this installation for more.`,
                })}
          </Notice>
        )}
      </div>
    </Section>
  )
}
