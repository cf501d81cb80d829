import { useCallback } from 'react'
import { useQuery } from 'urql'
import { unmask } from '@/gql/fragment-masking'
import { type SettingsAccountFragment, SettingsAccountFragmentDoc, SettingsAccountStateDocument } from '@/gql/graphql'
import { useRefresh } from './use-refresh'

/** Milliseconds between two looks: an address may be confirmed on another device. */
const every = 30_000

interface AccountState {
  /** Null while it isn't known. */
  account: SettingsAccountFragment | null
  failed: boolean
  retry(): void
}

/** The viewer's account. */
export function useAccount(): AccountState {
  const [{ data, error, fetching }, execute] = useQuery({
    query: SettingsAccountStateDocument,
    requestPolicy: 'cache-and-network',
  })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const account = data?.viewer.account ? unmask(SettingsAccountFragmentDoc, data.viewer.account) : null
  return { account, failed: !account && !fetching && error !== undefined, retry }
}
