import type { MessageDescriptor } from '@lingui/core'
import { i18n } from '@lingui/core'
import { msg } from '@lingui/core/macro'
import type { Provider } from '@/gql/graphql'

/** A provider of sign-ins and what the installation calls it. */
export interface NamedProvider {
  provider: Provider
  name: string
  path: string
}

const providers: Record<Provider, MessageDescriptor | string> = {
  GOOGLE: 'Google',
  GITHUB: 'GitHub',
  OIDC: msg`Company sign-in`,
  OPERATOR: msg`Operator link`,
  GUEST: msg`Guest`,
}

/** What people call a provider; the installation's own name for it first. */
export function providerName(provider: Provider, known: readonly NamedProvider[]): string {
  const named = known.find((one) => one.provider === provider)
  if (named) return named.name
  const words = providers[provider]
  return typeof words === 'string' ? words : i18n._(words)
}
