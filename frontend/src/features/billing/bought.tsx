import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { useCallback, useEffect, useState } from 'react'
import { useQuery } from 'urql'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { Notice } from '@/components/ui/notice'
import { SupportLine } from '@/components/ui/support-line'
import { unmask } from '@/gql/fragment-masking'
import { BalancePartsFragmentDoc, BoughtDocument, type PurchasePartsFragment, PurchasePartsFragmentDoc } from '@/gql/graphql'
import { creditsText } from '@/lib/credits'
import { providerWords } from './words'

/** Milliseconds between two looks; the event that it is paid usually comes first. */
const every = 3_000

/** Milliseconds after which it is said that it takes long. */
const long = 60_000

/** What became of a purchase, for whoever comes back from paying. It grants nothing: it waits for the provider's word. */
export function Bought({ id }: { id: string }) {
  const [{ data, error, fetching }, execute] = useQuery({
    query: BoughtDocument,
    variables: { id },
    requestPolicy: 'cache-and-network',
  })
  const look = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  const payment = data?.viewer.payment
  const purchase = payment ? unmask(PurchasePartsFragmentDoc, payment) : null
  const waits = purchase?.status === 'OPEN' || purchase?.status === 'CREATING'
  useEffect(() => {
    if (!waits) return
    const timer = setInterval(look, every)
    return () => clearInterval(timer)
  }, [waits, look])
  if (!data) return error && !fetching ? <LoadFailed onRetry={look} /> : <Loading />
  const balance = data.viewer.credits ? unmask(BalancePartsFragmentDoc, data.viewer.credits).available : null
  return (
    <div className="space-y-4">
      {purchase ? <Standing purchase={purchase} balance={balance} /> : <Unknown />}
      <p className="flex flex-wrap gap-x-4 text-sm">
        <Link to="/" className="text-tide underline underline-offset-3 touch:py-2.5">
          <Trans>To the chat</Trans>
        </Link>
        <Link to="/billing" className="text-tide underline underline-offset-3 touch:py-2.5">
          <Trans>To billing</Trans>
        </Link>
      </p>
    </div>
  )
}

function Unknown() {
  return (
    <Notice role="alert" tone="danger">
      <Trans>This purchase isn’t known here, or it is another account’s. Look at billing, or sign in as whoever bought it.</Trans>
    </Notice>
  )
}

function Standing({ purchase, balance }: { purchase: PurchasePartsFragment; balance: string | null }) {
  const amount = creditsText(purchase.credits)
  if (purchase.status === 'PAID') {
    return (
      <div role="status">
        <p className="text-lg font-semibold">
          {plural(Number(purchase.credits), { one: `${amount} credit is yours.`, other: `${amount} credits are yours.` })}
        </p>
        {balance !== null && (
          <p className="mt-1 text-sm text-ink-2 tabular-nums">
            <Trans>You can spend {creditsText(balance)} now.</Trans>
          </p>
        )}
      </div>
    )
  }
  if (purchase.status === 'FAILED' || purchase.status === 'EXPIRED') {
    return (
      <Notice role="status" tone="danger">
        {purchase.status === 'FAILED' ? (
          <Trans>The payment failed, and nothing was bought. Try again, or pay another way.</Trans>
        ) : (
          <Trans>It wasn’t paid in time, and nothing was bought.</Trans>
        )}
      </Notice>
    )
  }
  return <Waiting purchase={purchase} amount={amount} />
}

function Waiting({ purchase, amount }: { purchase: PurchasePartsFragment; amount: string }) {
  const { t } = useLingui()
  const takesLong = useTakesLong()
  const provider = providerWords(purchase.provider)
  return (
    <div role="status" aria-label={t`Waiting for the payment`}>
      <p className="flex items-center gap-3 text-lg font-semibold">
        <span className="lamp" aria-hidden="true" />
        <Trans>Waiting for {provider} …</Trans>
      </p>
      <p className="mt-1 max-w-prose text-sm text-ink-2">
        {plural(Number(purchase.credits), {
          one: `As soon as ${provider} has told us that it is paid, ${amount} credit is yours. You may leave this page.`,
          other: `As soon as ${provider} has told us that it is paid, ${amount} credits are yours. You may leave this page.`,
        })}
      </p>
      {takesLong && (
        <div className="mt-3 text-sm text-ink-2">
          <p>
            <Trans>
              This takes longer than usual. Payments are compared with {provider} every 15 minutes: nothing that you paid is lost.
            </Trans>
          </p>
          <SupportLine />
          {purchase.checkoutUrl && (
            <a href={purchase.checkoutUrl} className="text-tide underline underline-offset-3 touch:py-2.5">
              <Trans>Not paid yet? Go on to pay</Trans>
            </a>
          )}
        </div>
      )}
    </div>
  )
}

function useTakesLong(): boolean {
  const [takesLong, setTakesLong] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setTakesLong(true), long)
    return () => clearTimeout(timer)
  }, [])
  return takesLong
}
