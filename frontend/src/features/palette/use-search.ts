import { useEffect, useState } from 'react'
import { useQuery } from 'urql'
import { ConversationSearchDocument, type ConversationSearchQuery } from '@/gql/graphql'

/** Milliseconds of quiet before what is typed is searched for. */
const pause = 180
/** The server searches for two characters or more. */
const shortest = 2

export interface Found {
  id: string
  title: string
  messageId: string | null
  snippet: string
  start: number
  length: number
}

/** Conversations in which a text occurs, newest first. */
export function useSearch(text: string): { state: 'idle' | 'busy' | 'ready' | 'failed'; found: readonly Found[] } {
  const wanted = text.trim()
  const [asked, setAsked] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setAsked(wanted), pause)
    return () => clearTimeout(timer)
  }, [wanted])
  const idle = wanted.length < shortest
  const [{ data, error, fetching }] = useQuery({
    query: ConversationSearchDocument,
    variables: { text: asked },
    pause: asked.length < shortest,
    requestPolicy: 'network-only',
  })
  if (idle) return { state: 'idle', found: [] }
  if (fetching || asked !== wanted) return { state: 'busy', found: foundIn(data) }
  return error ? { state: 'failed', found: [] } : { state: 'ready', found: foundIn(data) }
}

function foundIn(data: ConversationSearchQuery | undefined): Found[] {
  const edges = data?.viewer.conversations.edges ?? []
  return edges.map(({ node, match }) => ({
    id: node.id,
    title: node.title,
    messageId: match?.messageId ?? null,
    snippet: match?.snippet ?? '',
    start: match?.start ?? 0,
    length: match?.length ?? 0,
  }))
}
