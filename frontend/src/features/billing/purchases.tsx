import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { useState } from 'react'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { moment } from '@/components/page/moments'
import { MoreRows } from '@/components/page/more-rows'
import { Fact, Facts, Section } from '@/components/page/section'
import { Button } from '@/components/ui/button'
import { BillingPortalDocument, type PaymentProvider, type PurchasePartsFragment } from '@/gql/graphql'
import { creditsText } from '@/lib/credits'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { usePurchases } from './use-billing'
import { moneyText, providerWords, statusWords } from './words'

interface PurchasesProps {
  /** Leaves for a page of the provider's. */
  onLeave(url: string): void
}

/** What was bought, with all that is kept of each payment. */
export function Purchases({ onLeave }: PurchasesProps) {
  const { t } = useLingui()
  const { rows, failed, retry, ...end } = usePurchases()
  const portals = [...new Set(rows?.filter(({ status }) => status === 'PAID').map(({ provider }) => provider))]
  return (
    <Section
      title={t`Purchases`}
      note={t`This is all that is kept of a payment. The billing address and receipts are corrected at the provider.`}
    >
      {failed && <LoadFailed onRetry={retry} />}
      {!rows && !failed && <Loading />}
      {rows?.length === 0 && (
        <p className="text-sm text-ink-3">
          <Trans>Nothing was bought yet.</Trans>
        </p>
      )}
      <ul className="divide-y divide-line">
        {rows?.map((purchase) => (
          <PurchaseRow key={purchase.id} purchase={purchase} />
        ))}
      </ul>
      <MoreRows end={end} />
      <div className="mt-3 flex flex-wrap gap-2 empty:hidden">
        {portals.map((provider) => (
          <Portal key={provider} provider={provider} onLeave={onLeave} />
        ))}
      </div>
    </Section>
  )
}

function Portal({ provider, onLeave }: { provider: PaymentProvider } & PurchasesProps) {
  const act = useMutationAct(BillingPortalDocument, (data) => data.billingPortalCreate)
  const [busy, setBusy] = useState(false)
  const name = providerWords(provider)
  const open = async () => {
    if (busy) return
    setBusy(true)
    const outcome = await act({ input: { provider } })
    setBusy(false)
    toastOutcome(outcome)
    if (outcome.kind === 'done' && outcome.payload.url) onLeave(outcome.payload.url)
  }
  return (
    <Button aria-disabled={busy} onClick={() => void open()}>
      <Trans>Billing details at {name}</Trans>
    </Button>
  )
}

function PurchaseRow({ purchase }: { purchase: PurchasePartsFragment }) {
  const { t } = useLingui()
  const { paid, price, status, live, checkoutUrl, receiptUrl } = purchase
  const amount = creditsText(purchase.credits)
  return (
    <li className="py-3">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <p className="text-sm font-medium tabular-nums">
          {plural(Number(purchase.credits), { one: `${amount} credit`, other: `${amount} credits` })}
          <span className="ml-2 font-normal text-ink-2">{moneyText(paid ?? price)}</span>
        </p>
        <p className="text-xs text-ink-3">
          {statusWords(status)} · {moment(purchase.paidAt ?? purchase.createdAt)}
        </p>
      </div>
      <details className="mt-1 text-sm">
        <summary className="cursor-pointer text-xs text-ink-2 hover:text-ink touch:py-3">
          <Trans>What is kept of it</Trans>
        </summary>
        <div className="mt-2">
          <Kept purchase={purchase} />
        </div>
      </details>
      <p className="mt-1 flex flex-wrap items-baseline gap-x-4 text-sm empty:hidden">
        {status === 'OPEN' && checkoutUrl && (
          <a href={checkoutUrl} className="text-tide underline underline-offset-3 touch:py-2.5">
            <Trans>Go on to pay</Trans>
          </a>
        )}
        {receiptUrl && (
          <a href={receiptUrl} target="_blank" rel="noreferrer" className="text-tide underline underline-offset-3 touch:py-2.5">
            <Trans>Receipt</Trans>
          </a>
        )}
        {!live && <span className="text-xs text-warn">{t`Test mode: no real money`}</span>}
      </p>
    </li>
  )
}

function Kept({ purchase }: { purchase: PurchasePartsFragment }) {
  const { t } = useLingui()
  const { paid, tax, refunded, dispute, method, last4, billingAddress } = purchase
  const disputes = {
    NONE: null,
    OPEN: t`open; its credits are taken back meanwhile`,
    WON: t`ended well`,
    LOST: t`ended in the payer’s favour`,
  }
  const disputed = disputes[dispute]
  return (
    <Facts>
      <Fact name={t`Number`}>
        <code className="font-mono text-xs select-all">{purchase.id}</code>
      </Fact>
      <Fact name={t`With`}>{providerWords(purchase.provider)}</Fact>
      <Fact name={t`Price`}>{moneyText(purchase.price)}</Fact>
      {paid && <Fact name={t`Paid`}>{moneyText(paid)}</Fact>}
      {tax && <Fact name={t`Taxes in it`}>{moneyText(tax)}</Fact>}
      {refunded && <Fact name={t`Given back`}>{moneyText(refunded)}</Fact>}
      {disputed && <Fact name={t`Dispute`}>{disputed}</Fact>}
      {method && (
        <Fact name={t`Method`}>
          {method} {last4 && `•••• ${last4}`}
        </Fact>
      )}
      {billingAddress.length > 0 && <Fact name={t`Billing address`}>{billingAddress.join(', ')}</Fact>}
    </Facts>
  )
}
