import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { EngineStateDocument } from '@/gql/graphql'
import { fetchOperation } from '../live/fetch'
import { follow } from '../live/follow'
import { send } from '../live/send'
import { attempt } from '../live/transport'
import { codesOf, type Sink } from '../live/types'
import { normalisedCache } from './cache'

/** Milliseconds between look-ups of what is on screen where no stream gets through. */
const pollEvery = 15_000

/** What the client tells the app about the line. */
export interface ClientEvents {
  /** Events may have been missed: what is on screen has to be asked for again. */
  missed(): void
  /** The server no longer knows the viewer. */
  viewerLost(): void
}

/** Has what is on screen asked for again as long as the server answers; a look that fails is a loss. */
function pollInstead<T>(sink: Sink<T>): () => void {
  const abort = new AbortController()
  const { signal } = abort
  let timer: ReturnType<typeof setTimeout> | undefined
  const look = async () => {
    const data = await fetchOperation(EngineStateDocument, {}, { signal }).catch(() => null)
    if (signal.aborted) return
    if (!data) {
      sink.ended({ kind: 'network' })
      return
    }
    sink.opened()
    sink.begun()
    timer = setTimeout(() => void look(), pollEvery)
  }
  void look()
  return () => {
    clearTimeout(timer)
    abort.abort()
  }
}

/** Makes the app's GraphQL client. Its subscriptions never end by themselves: losses are repaired. */
export function createClient(events: ClientEvents): Client {
  return new Client({
    url: '/graphql',
    preferGetMethod: false,
    fetch: send,
    exchanges: [
      normalisedCache(),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (observer) => ({
            unsubscribe: follow<Record<string, unknown>>({
              attempt: (sink) => attempt({ ...request, query: request.query ?? '' }, sink, pollInstead),
              next: (data) => observer.next({ data }),
              completed: () => 'again',
              refused: (errors) => {
                if (codesOf(errors).includes('UNAUTHENTICATED')) events.viewerLost()
                return 'later'
              },
              begun: () => events.missed(),
              viewerLost: () => events.viewerLost(),
            }),
          }),
        }),
      }),
    ],
  })
}
