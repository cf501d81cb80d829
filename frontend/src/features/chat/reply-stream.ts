import { type MessagePartsFragment, ReplyEventsDocument, type ReplyEventsSubscription, ReplyProgressDocument } from '@/gql/graphql'
import { fetchOperation } from '@/lib/live/fetch'
import { follow } from '@/lib/live/follow'
import { payloadOf } from '@/lib/live/payload'
import { attempt } from '@/lib/live/transport'
import type { Sink, WireError } from '@/lib/live/types'
import { codesOf } from '@/lib/live/types'
import { isApplied, isEnd, isOver, type ReplyEvent } from './reduce-reply'

/** At most one delta per this many milliseconds: about two display frames. */
const windowMs = 33
/** Milliseconds between polls where no stream gets through. */
const pollEvery = 1_500

export interface ReplyListener {
  event(event: ReplyEvent): void
  /** Nothing more follows: ended, or not there. */
  over(): void
}

/**
 * Follows a reply's events after position `from` to its end. After any loss it asks again
 * from the position it has reached, so every event arrives exactly once or a snapshot
 * replaces them. The returned function ends it silently.
 */
export function subscribeReply(replyId: string, from: number, listener: ReplyListener): () => void {
  // Null asks without a position: the server then begins with a snapshot.
  let at: number | null = from
  let ended = false
  const stop = follow<ReplyEventsSubscription>({
    attempt: (sink) =>
      attempt(payloadOf(ReplyEventsDocument, { replyId, ...(at === null ? {} : { afterSeq: at }), windowMs }), sink, (pollSink) =>
        pollReply(replyId, pollSink),
      ),
    next({ replyEvents: event }) {
      if (event.__typename === 'ReplyQueued') {
        listener.event(event)
        return
      }
      if (at !== null && isApplied(event, at)) return
      at = event.seq
      ended = isEnd(event)
      listener.event(event)
      if (ended) {
        stop()
        listener.over()
      }
    },
    completed() {
      if (!ended) listener.over()
      return 'end'
    },
    refused(errors) {
      const then = reactionTo(errors, at)
      if (then === 'now') at = null
      if (then === 'end') listener.over()
      return then
    },
  })
  return stop
}

function reactionTo(errors: readonly WireError[], at: number | null): 'now' | 'later' | 'end' {
  const codes = codesOf(errors)
  if (codes.includes('NOT_FOUND')) return 'end'
  // Our position is beyond the end: the server has lost what it hadn't stored.
  if (codes.includes('INVALID')) return at === null ? 'end' : 'now'
  return 'later'
}

/** Stands in for a stream: asks for the whole reply again and again. */
function pollReply(id: string, sink: Sink<ReplyEventsSubscription>): () => void {
  const abort = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const ask = async () => {
    try {
      const data = await fetchOperation(ReplyProgressDocument, { id }, { signal: abort.signal })
      if (abort.signal.aborted) return
      if (!data) throw new Error('no data')
      sink.opened()
      const message = data.node?.__typename === 'Message' ? data.node : null
      if (!message) {
        sink.ended(null)
        return
      }
      for (const event of eventsOf(message)) sink.next({ replyEvents: event })
      if (!abort.signal.aborted) timer = setTimeout(() => void ask(), pollEvery)
    } catch {
      if (!abort.signal.aborted) sink.ended({ kind: 'network' })
    }
  }
  void ask()
  return () => {
    clearTimeout(timer)
    abort.abort()
  }
}

type Polled = Pick<MessagePartsFragment, 'lastSeq' | 'text' | 'reasoning' | 'status' | 'error'>

/** A stored reply as the events that lead to it. */
export function eventsOf(message: Polled): ReplyEvent[] {
  const { lastSeq: seq, text, reasoning, status, error } = message
  const events: ReplyEvent[] = [{ __typename: 'ReplySnapshot', seq, text, reasoning, status }]
  if (!isOver(status)) return events
  if (error) events.push({ __typename: 'ReplyFailed', seq, error })
  else events.push({ __typename: 'ReplyFinished', seq, status })
  return events
}
