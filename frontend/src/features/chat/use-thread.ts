import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { unmask } from '@/gql/fragment-masking'
import {
  BranchPartsFragmentDoc,
  type ConversationRowFragment,
  ConversationRowFragmentDoc,
  type MessagePartsFragment,
  MessagePartsFragmentDoc,
  ThreadDocument,
  type ThreadQuery,
} from '@/gql/graphql'
import { useStore } from '@/lib/store'
import { missedEvents } from '@/lib/ui-state'

export interface Thread {
  state: 'none' | 'loading' | 'ready' | 'missing' | 'failed'
  conversation: ConversationRowFragment | null
  /** The branch on show, oldest first, as far as it is loaded. */
  messages: readonly MessagePartsFragment[]
  hasOlder: boolean
  /** How asking for what is before stands: what failed is asked for again by the person, or when the connection is back. */
  older: 'idle' | 'loading' | 'failed'
  /** Loads what is before; resolves when it is there. */
  loadOlder(): Promise<void>
  /** Loads the whole branch and gives it. */
  loadAll(): Promise<readonly MessagePartsFragment[]>
  /** Asks the server again. */
  refresh(): void
}

/** Conversations begun on this page: the cache has all of them. */
const begun = new Set<string>()

/** Says that a conversation was begun here, so that it isn't asked for again at once. */
export function noteBegun(id: string): void {
  begun.add(id)
}

function messagesOf(data: ThreadQuery | undefined): readonly MessagePartsFragment[] {
  const connection = data?.viewer.conversation?.branch
  if (!connection) return []
  const { edges } = unmask(BranchPartsFragmentDoc, connection)
  return edges.map(({ node }) => unmask(MessagePartsFragmentDoc, node)).toReversed()
}

/** Where what is before the loaded messages begins; null at the root. */
function nextCursor(data: ThreadQuery | undefined): string | null {
  const connection = data?.viewer.conversation?.branch
  if (!connection) return null
  const { hasNextPage, endCursor } = unmask(BranchPartsFragmentDoc, connection).pageInfo
  return hasNextPage ? endCursor : null
}

/** The branch on show of a conversation; null stands for one that isn't begun. */
export function useThread(id: string | null): Thread {
  const client = useClient()
  const missed = useStore(missedEvents)
  const [{ data: latest, error, stale, fetching }, execute] = useQuery({
    query: ThreadDocument,
    variables: { id: id ?? '' },
    pause: id === null,
  })
  const shown = latest?.viewer.conversation
  // The hook still holds the previous conversation while the next one loads.
  const data = id === null || (shown && shown.id !== id) ? undefined : latest
  const refresh = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])

  const first = useRef({ id: null as string | null, missed })
  useEffect(() => {
    const known = first.current
    if (id === null || (known.id === id && known.missed === missed)) return
    first.current = { id, missed }
    // What was cached when the page came here may be old; what was begun here isn't.
    const cached = data !== undefined && !begun.delete(id)
    if (cached || known.missed !== missed) refresh()
  })

  const messages = useMemo(() => messagesOf(data), [data])
  const conversation = data?.viewer.conversation ?? null
  const leafId = conversation?.leaf?.id
  const newest = messages.at(-1)?.id
  useEffect(() => {
    if (leafId && newest && leafId !== newest) refresh()
  }, [leafId, newest, refresh])

  const after = nextCursor(data)
  const { older, loadOlder } = useLoadOlder(id, after, missed)

  const loadAll = async () => {
    if (id === null) return []
    for (let cursor = after; cursor !== null; ) {
      const result = await client.query(ThreadDocument, { id, after: cursor }, { requestPolicy: 'network-only' }).toPromise()
      cursor = nextCursor(result.data)
    }
    const whole = await client.query(ThreadDocument, { id }, { requestPolicy: 'cache-only' }).toPromise()
    return messagesOf(whole.data)
  }

  return {
    state: stateOf(id, data, Boolean(error), fetching || stale),
    conversation: conversation && unmask(ConversationRowFragmentDoc, conversation),
    messages,
    hasOlder: after !== null,
    older,
    loadOlder,
    loadAll,
    refresh,
  }
}

/** Loads what is before `after` in a conversation. */
function useLoadOlder(id: string | null, after: string | null, missed: number): Pick<Thread, 'older' | 'loadOlder'> {
  const client = useClient()
  const [last, setLast] = useState({ id, missed, state: 'idle' as Thread['older'] })
  const over = last.id !== id || (last.state === 'failed' && last.missed !== missed)
  const older = over ? 'idle' : last.state
  const loadOlder = useCallback(async () => {
    if (!after || older === 'loading' || id === null) return
    setLast({ id, missed, state: 'loading' })
    const { error } = await client.query(ThreadDocument, { id, after }, { requestPolicy: 'network-only' }).toPromise()
    setLast((now) => (now.id === id ? { id, missed, state: error ? 'failed' : 'idle' } : now))
  }, [after, older, id, missed, client])
  return { older, loadOlder }
}

function stateOf(id: string | null, data: ThreadQuery | undefined, failed: boolean, busy: boolean): Thread['state'] {
  if (id === null) return 'none'
  if (data?.viewer.conversation) return 'ready'
  if (data && !busy) return 'missing'
  return failed && !busy ? 'failed' : 'loading'
}
