import { laidOut } from '@/features/developers/laid-out'

/** What is sent. */
export interface Ask {
  query: string
  variables: Record<string, unknown>
  operationName: string | null
  /** An API key; null for the browser's own session. */
  apiKey: string | null
}

/** What came back of a query or mutation. */
export interface Answer {
  status: number
  /** Milliseconds. */
  took: number
  bytes: number
  /** The answer as text, JSON laid out. */
  text: string
  facts: Facts
}

/** What the server says beside an answer; null where it says nothing. */
export interface Facts {
  requestId: string | null
  cost: { requested: number; limit: number } | null
  /** The tightest limit: what is left of how much. */
  limit: { remaining: string; of: string } | null
  retryAfter: string | null
}

interface Body {
  extensions?: { cost?: { requested?: unknown; limit?: unknown } }
}

/** Reads what is said beside an answer. */
export function factsOf(headers: Pick<Headers, 'get'>, text: string): Facts {
  const [remaining, of] = [headers.get('x-ratelimit-remaining'), headers.get('x-ratelimit-limit')]
  return {
    requestId: headers.get('x-request-id'),
    cost: costOf(text),
    limit: remaining !== null && of !== null ? { remaining, of } : null,
    retryAfter: headers.get('retry-after'),
  }
}

function costOf(text: string): Facts['cost'] {
  try {
    const { requested, limit } = (JSON.parse(text) as Body | null)?.extensions?.cost ?? {}
    return typeof requested === 'number' && typeof limit === 'number' ? { requested, limit } : null
  } catch {
    return null
  }
}

/** The body of a request; the server is asked to say what it cost. */
function bodyOf({ query, variables, operationName }: Ask) {
  return { query, variables, ...(operationName === null ? {} : { operationName }), extensions: { cost: true } }
}

/** Runs a query or mutation. Rejects when there is no answer. */
export async function runOnce(ask: Ask, signal: AbortSignal): Promise<Answer> {
  const began = performance.now()
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json, application/json',
      ...(ask.apiKey === null ? {} : { Authorization: `Bearer ${ask.apiKey}` }),
    },
    body: JSON.stringify(bodyOf(ask)),
    // With a key nobody is who his cookies say.
    credentials: ask.apiKey === null ? 'same-origin' : 'omit',
    cache: 'no-store',
    signal,
  })
  const text = await response.text()
  return {
    status: response.status,
    took: performance.now() - began,
    bytes: new TextEncoder().encode(text).length,
    text: laidOut(text),
    facts: factsOf(response.headers, text),
  }
}

/** What becomes of a subscription. */
export interface Listener {
  opened(): void
  event(text: string): void
  /** It is over: completed, or why not. */
  ended(why: string | null): void
}

/** Follows a subscription over a websocket of its own. The returned function ends it. */
export function runLive(ask: Ask, listener: Listener): () => void {
  let over = false
  let dispose = () => {}
  const end = (why: string | null) => {
    if (over) return
    over = true
    listener.ended(why)
    dispose()
  }
  void import('graphql-ws/client').then(
    ({ createClient }) => {
      if (over) return
      const client = createClient({
        url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
        ...(ask.apiKey === null ? {} : { connectionParams: { authorization: `Bearer ${ask.apiKey}` } }),
        retryAttempts: 0,
        on: { connected: () => listener.opened() },
      })
      const stop = client.subscribe(bodyOf(ask), {
        next: (result) => {
          if (!over) listener.event(JSON.stringify(result, null, 2))
        },
        error: (cause) => end(reasonOf(cause)),
        complete: () => end(null),
      })
      dispose = () => {
        stop()
        void client.dispose()
      }
    },
    () => end('network'),
  )
  return () => {
    over = true
    dispose()
  }
}

/** Why a subscription ended: the server's own words, or how the socket closed. */
export function reasonOf(cause: unknown): string {
  if (Array.isArray(cause)) return JSON.stringify({ errors: cause }, null, 2)
  if (typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'number') {
    const reason = 'reason' in cause && typeof cause.reason === 'string' ? cause.reason : ''
    return `${cause.code} ${reason}`.trim()
  }
  return 'network'
}
