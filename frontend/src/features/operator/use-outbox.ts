import { useCallback, useEffect, useMemo, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { unmask } from '@/gql/fragment-masking'
import { type OperatorMailFragment, OperatorMailFragmentDoc, OperatorMailsDocument } from '@/gql/graphql'

/** Milliseconds between two looks while the page is looked at. */
const every = 15_000

interface OutboxState {
  state: 'loading' | 'ready' | 'failed'
  mails: readonly OperatorMailFragment[]
  /** Whether a mail server is set. */
  mailServer: boolean
  hasMore: boolean
  loadMore(): void
  refresh(): void
}

/** The mails as far as they are loaded, newest first. */
export function useOutbox(): OutboxState {
  const client = useClient()
  const [{ data, error, fetching }, execute] = useQuery({
    query: OperatorMailsDocument,
    variables: {},
    requestPolicy: 'cache-and-network',
  })
  const [loading, setLoading] = useState(false)
  const refresh = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === 'visible') refresh()
    }
    const timer = setInterval(look, every)
    window.addEventListener('focus', look)
    return () => {
      clearInterval(timer)
      window.removeEventListener('focus', look)
    }
  }, [refresh])

  const connection = data?.operator.mails
  const after = connection?.pageInfo.hasNextPage ? connection.pageInfo.endCursor : null
  const loadMore = () => {
    if (!after || loading) return
    setLoading(true)
    void client
      .query(OperatorMailsDocument, { after }, { requestPolicy: 'network-only' })
      .toPromise()
      .finally(() => setLoading(false))
  }
  const mails = useMemo(() => (connection?.edges ?? []).map(({ node }) => unmask(OperatorMailFragmentDoc, node)), [connection])
  const state = connection ? 'ready' : error && !fetching ? 'failed' : 'loading'
  return { state, mails, mailServer: data?.operator.mailServer ?? true, hasMore: after !== null, loadMore, refresh }
}
