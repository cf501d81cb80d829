import { plural } from '@lingui/core/macro'
import { Trans } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { useQuery } from 'urql'
import { Notice } from '@/components/ui/notice'
import { unmask } from '@/gql/fragment-masking'
import { BalanceDocument, BalancePartsFragmentDoc } from '@/gql/graphql'
import type { Refusal } from '@/lib/graphql/act'
import { creditsText, zeroCredits } from '@/lib/credits'

function neededWords(needed: string, available: string): string {
  const most = creditsText(needed)
  const there = creditsText(available)
  return plural(Number(needed), {
    one: `${most} credit has to be there to begin; you have ${there}.`,
    other: `${most} credits have to be there to begin; you have ${there}.`,
  })
}

function owedWords(owed: string): string {
  const debt = creditsText(owed)
  return plural(Number(owed), {
    one: `A refund or a disputed payment left a debt of ${debt} credit.`,
    other: `A refund or a disputed payment left a debt of ${debt} credits.`,
  })
}

/** Said when the balance is too small: what is needed, what there is, and the way to more. */
export function TooLittle({ refusal: { needed, available } }: { refusal: Refusal }) {
  const [{ data }] = useQuery({ query: BalanceDocument, requestPolicy: 'cache-and-network' })
  const credits = data?.viewer.credits
  const owed = credits ? unmask(BalancePartsFragmentDoc, credits).owed : zeroCredits
  const known = owed === zeroCredits && needed != null && available != null
  return (
    <Notice
      role="alert"
      tone="danger"
      actions={
        <Link
          to="/billing"
          className="inline-flex min-h-8 items-center rounded-control bg-tide px-3 text-sm font-medium text-on-tide hover:opacity-90 touch:min-h-11"
        >
          <Trans>Buy credits</Trans>
        </Link>
      }
    >
      <p className="font-medium">
        <Trans>Not enough credits for this. Nothing was sent.</Trans>
      </p>
      {owed !== zeroCredits && (
        <p className="text-ink-2">
          {owedWords(owed)} <Trans>Nothing can be spent until credits that you buy have paid it. What you typed is kept.</Trans>
        </p>
      )}
      {known && (
        <p className="text-ink-2">
          {neededWords(needed, available)} <Trans>What an answer doesn’t use stays yours. What you typed is kept.</Trans>
        </p>
      )}
    </Notice>
  )
}
