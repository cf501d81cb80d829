import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { type ConversationRowFragment, ConversationRowFragmentDoc, ConversationsDocument } from '@/gql/graphql'
import { unmask } from '@/gql/fragment-masking'
import { useStore } from '@/lib/store'
import { missedEvents } from '@/lib/ui-state'
import { leaving } from './deletions'

export interface Conversations {
  state: 'loading' | 'ready' | 'failed'
  rows: readonly ConversationRowFragment[]
  hasMore: boolean
  loadMore(): void
  retry(): void
}

/** The viewer's conversations as far as they are loaded, without those about to be deleted. */
export function useConversations(): Conversations {
  const client = useClient()
  const missed = useStore(missedEvents)
  const hidden = useStore(leaving)
  const [{ data, error }, execute] = useQuery({ query: ConversationsDocument, variables: {} })
  const connection = data?.viewer.conversations
  const [loading, setLoading] = useState(false)

  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  const seen = useRef(missed)
  useEffect(() => {
    if (seen.current === missed) return
    seen.current = missed
    retry()
  }, [missed, retry])

  const after = connection?.pageInfo.hasNextPage ? connection.pageInfo.endCursor : null
  const loadMore = () => {
    if (!after || loading) return
    setLoading(true)
    void client
      .query(ConversationsDocument, { after }, { requestPolicy: 'network-only' })
      .toPromise()
      .finally(() => setLoading(false))
  }

  const rows = useMemo(
    () => (connection?.edges ?? []).map(({ node }) => unmask(ConversationRowFragmentDoc, node)).filter(({ id }) => !hidden.has(id)),
    [connection, hidden],
  )
  const state = connection ? 'ready' : error ? 'failed' : 'loading'
  return { state, rows, hasMore: after !== null, loadMore, retry }
}
