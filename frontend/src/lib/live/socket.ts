import type { Client } from 'graphql-ws/client'
import type * as ByHash from './by-hash'
import { type Attempt, codesOf, type Loss, type Payload, type Sink, type WireError } from './types'

/** Milliseconds between pings, and how long a pong or the opening may take. */
const keepAlive = 10_000
const pongWait = 5_000
const openWait = 10_000
/** An unused socket is closed after this long. */
const linger = 2_000

interface Shared {
  client: Client
  byHash: typeof ByHash
  connected: boolean
  waiters: Set<() => void>
  /** Subscriptions that were sent, by the names under which the server tells that they have begun. */
  sent: Map<string, () => void>
}

let shared: Promise<Shared> | null = null
let names = 0

function address(): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`
}

/** Makes the one client that all subscriptions share; the library is loaded with the first. */
async function open(): Promise<Shared> {
  const [{ createClient }, byHash] = await Promise.all([import('graphql-ws/client'), import('./by-hash')])
  let pong: ReturnType<typeof setTimeout> | undefined
  let opening: ReturnType<typeof setTimeout> | undefined
  const self: Shared = {
    byHash,
    connected: false,
    waiters: new Set(),
    sent: new Map(),
    client: createClient({
      url: address(),
      keepAlive,
      lazyCloseTimeout: linger,
      connectionAckWaitTimeout: openWait,
      // Whoever follows something asks again himself, with the position he has reached;
      // the library would repeat the first position.
      retryAttempts: 0,
      on: {
        connecting: () => {
          opening = setTimeout(() => self.client.terminate(), openWait)
        },
        connected: () => {
          clearTimeout(opening)
          self.connected = true
          for (const tell of self.waiters) tell()
          self.waiters.clear()
        },
        closed: () => {
          clearTimeout(opening)
          clearTimeout(pong)
          self.connected = false
        },
        // A dead network doesn't close a socket, so it is ended from here.
        ping: (received) => {
          if (!received) pong = setTimeout(() => self.client.terminate(), pongWait)
        },
        pong: (received, payload) => {
          if (!received) return
          const name = payload?.['begun']
          if (typeof name === 'string') {
            tellBegun(self.sent, name)
            return
          }
          clearTimeout(pong)
          // A server of an older version doesn't tell; by its sign of life they have begun.
          for (const late of self.sent.keys()) tellBegun(self.sent, late)
        },
      },
    }),
  }
  return self
}

function tellBegun(sent: Shared['sent'], name: string): void {
  const tell = sent.get(name)
  sent.delete(name)
  tell?.()
}

/** Closes the socket; subscriptions on it end with a loss. The next one opens another. */
export function closeSocket(): void {
  const old = shared
  shared = null
  void old?.then(({ client }) => client.terminate())
}

/** Follows an operation over the shared websocket. */
export const overSocket: Attempt = <T>(payload: Payload, sink: Sink<T>) => {
  let live = true
  let cancel = () => {}
  const end = (loss: Loss | null) => {
    if (!live) return
    live = false
    sink.ended(loss)
  }
  shared ??= open()
  const opening = shared
  opening.then(
    (socket) => {
      if (live) cancel = subscribe(socket, payload, sink, end)
    },
    () => {
      if (shared === opening) shared = null
      end({ kind: 'network' })
    },
  )
  return () => {
    live = false
    cancel()
  }
}

function subscribe<T>(socket: Shared, payload: Payload, sink: Sink<T>, end: (loss: Loss | null) => void): () => void {
  const opened = () => sink.opened()
  if (socket.connected) opened()
  else socket.waiters.add(opened)
  let stop: (() => void) | null = () => {}
  const name = `${++names}`
  const asked = { ...payload, extensions: { ...payload.extensions, acknowledge: name } }
  const over = (loss: Loss | null) => {
    socket.sent.delete(name)
    end(loss)
  }
  const start = async () => {
    // The library insists on a query.
    const form = { query: '', ...(await socket.byHash.wireForm(asked)) }
    if (stop) socket.sent.set(name, () => sink.begun())
    stop &&= socket.client.subscribe<T>(form, {
      next: (result) => {
        if (result.errors?.length) over({ kind: 'refused', errors: result.errors })
        else if (result.data) sink.next(result.data)
      },
      error: (cause) => {
        const loss = lossOf(cause)
        if (loss.kind === 'refused' && socket.byHash.isUnknown(asked, form, codesOf(loss.errors))) restart()
        else over(loss)
      },
      complete: () => over(null),
    })
  }
  const restart = () => void start().catch(() => over({ kind: 'network' }))
  restart()
  return () => {
    socket.waiters.delete(opened)
    socket.sent.delete(name)
    stop?.()
    stop = null
  }
}

/** What a client error means: a list of refusals, a close event, or a lost network. */
function lossOf(cause: unknown): Loss {
  if (Array.isArray(cause)) return { kind: 'refused', errors: cause as WireError[] }
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : null
  return typeof code === 'number' ? { kind: 'closed', code } : { kind: 'network' }
}
