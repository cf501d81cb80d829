import type { PaymentProvider } from '@/gql/graphql'

/** What a payment provider calls itself. */
export function paymentProviderName(provider: PaymentProvider): string {
  return { STRIPE: 'Stripe', CREEM: 'Creem' }[provider]
}
