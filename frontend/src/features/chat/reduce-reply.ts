import type { MessagePartsFragment, MessageStatus, ReplyEventsSubscription } from '@/gql/graphql'

/** One fact about a running reply. */
export type ReplyEvent = ReplyEventsSubscription['replyEvents']

/** A reply as far as it has come. */
export interface ReplyState {
  /** The position reached in the stream: events up to it are applied. */
  at: number
  text: string
  reasoning: string
  status: MessageStatus
  error: MessagePartsFragment['error']
  /** Its place in the line at the engine, 1 for the next; 0 while it waits in none. */
  place: number
}

/** Whether nothing more follows. */
export function isOver(status: MessageStatus): boolean {
  return status !== 'PENDING' && status !== 'STREAMING'
}

/** Whether an event tells that the reply is over. */
export function isEnd({ __typename: type }: ReplyEvent): boolean {
  return type === 'ReplyFinished' || type === 'ReplyFailed'
}

/** Whether an event is in what has been applied up to `at`. A snapshot never is; an end has the last position, not one after it. */
export function isApplied(event: ReplyEvent, at: number): boolean {
  return event.__typename !== 'ReplySnapshot' && (isEnd(event) ? event.seq < at : event.seq <= at)
}

/** The state from which a stored message goes on. */
export function replyFrom(message: MessagePartsFragment): ReplyState {
  return {
    at: message.lastSeq,
    text: message.text,
    reasoning: message.reasoning,
    status: message.status,
    error: message.error,
    place: 0,
  }
}

/**
 * Applies one event. A snapshot replaces everything, whatever its position: the server
 * knows best. Any other event is applied once, an end also at the position reached.
 * Positions may jump, since the server merges what it writes together.
 */
export function reduceReply(state: ReplyState, event: ReplyEvent): ReplyState {
  if (event.__typename === 'ReplySnapshot') {
    return { at: event.seq, text: event.text, reasoning: event.reasoning, status: event.status, error: null, place: 0 }
  }
  // It takes no position of its own.
  if (event.__typename === 'ReplyQueued') {
    return event.seq === state.at && event.position !== state.place && !isOver(state.status)
      ? { ...state, place: event.position }
      : state
  }
  if (isApplied(event, state.at)) return state
  switch (event.__typename) {
    case 'ReplyDelta':
      return { ...state, at: event.seq, text: state.text + event.text, status: 'STREAMING', place: 0 }
    case 'ReplyReasoningDelta':
      return { ...state, at: event.seq, reasoning: state.reasoning + event.text, status: 'STREAMING', place: 0 }
    case 'ReplyFinished':
      return { ...state, at: event.seq, status: event.status, place: 0 }
    case 'ReplyFailed':
      return { ...state, at: event.seq, status: 'FAILED', error: event.error, place: 0 }
  }
}
