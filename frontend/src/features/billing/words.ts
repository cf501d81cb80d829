import type { MessageDescriptor } from '@lingui/core'
import { i18n } from '@lingui/core'
import { msg } from '@lingui/core/macro'
import type { PaymentProvider, PurchaseStatus, TransferKind } from '@/gql/graphql'

/** What a payment provider calls itself. */
export function providerWords(provider: PaymentProvider): string {
  return { STRIPE: 'Stripe', CREEM: 'Creem' }[provider]
}

const kinds: Record<TransferKind, MessageDescriptor> = {
  CHARGE: msg`Answer`,
  PURCHASE: msg`Credits bought`,
  REFUND: msg`Payment given back`,
  DISPUTE: msg`Payment disputed`,
  REINSTATEMENT: msg`Credits given back`,
  GRANT: msg`Credits given`,
  ADJUSTMENT: msg`Correction by the operator`,
  REPAYMENT: msg`What was owed`,
}

/** What moved the credits. */
export function kindWords(kind: TransferKind): string {
  return i18n._(kinds[kind])
}

const statuses: Record<PurchaseStatus, MessageDescriptor> = {
  CREATING: msg`being prepared`,
  OPEN: msg`not paid yet`,
  PAID: msg`paid`,
  EXPIRED: msg`not paid in time`,
  FAILED: msg`payment failed`,
}

/** How far a purchase is. */
export function statusWords(status: PurchaseStatus): string {
  return i18n._(statuses[status])
}

interface Money {
  currency: string
  decimal: string
}

/** An amount of money in the page's language. */
export function moneyText({ currency, decimal }: Money): string {
  const locale = i18n.locale === 'zh' ? 'zh-CN' : i18n.locale
  return new Intl.NumberFormat(locale, { style: 'currency', currency }).format(Number(decimal))
}
