import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { type ConversationRowFragment, ConversationRowFragmentDoc, ConversationsDocument } from '@/gql/graphql'
import { unmask } from '@/gql/fragment-masking'
import { useStore } from '@/lib/store'
import { missedEvents } from '@/lib/ui-state'
import { leaving } from '@/lib/deletions'

export interface Conversations {
  state: 'loading' | 'ready' | 'failed'
  rows: readonly ConversationRowFragment[]
  hasMore: boolean
  /** How asking for more stands: what failed is asked for again by the person, or when the connection is back. */
  more: 'idle' | 'loading' | 'failed'
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
  const [more, setMore] = useState<Conversations['more']>('idle')

  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  const seen = useRef(missed)
  useEffect(() => {
    if (seen.current === missed) return
    seen.current = missed
    setMore((now) => (now === 'failed' ? 'idle' : now))
    retry()
  }, [missed, retry])

  const after = connection?.pageInfo.hasNextPage ? connection.pageInfo.endCursor : null
  const loadMore = () => {
    if (!after || more === 'loading') return
    setMore('loading')
    void client
      .query(ConversationsDocument, { after }, { requestPolicy: 'network-only' })
      .toPromise()
      .then(({ error: failure }) => setMore(failure ? 'failed' : 'idle'))
  }

  const rows = useMemo(
    () => (connection?.edges ?? []).map(({ node }) => unmask(ConversationRowFragmentDoc, node)).filter(({ id }) => !hidden.has(id)),
    [connection, hidden],
  )
  const state = connection ? 'ready' : error ? 'failed' : 'loading'
  return { state, rows, hasMore: after !== null, more, loadMore, retry }
}
