import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react'
import type { MessagePartsFragment } from '@/gql/graphql'
import { isOver, reduceReply, replyFrom, type ReplyState } from './reduce-reply'
import { subscribeReply } from './reply-stream'

/** Milliseconds between drawings while the page is hidden, where frames don't come. */
const hiddenDraw = 500

export interface LiveReply extends ReplyState {
  /** When thinking began, in performance.now() time; null before. */
  thinkingSince: number | null
}

interface Entry {
  /** All that has come. */
  now: LiveReply
  /** What is on show; it follows `now` once per frame. */
  shown: LiveReply
  listeners: Set<() => void>
  users: number
  stop: () => void
  cancelDraw: (() => void) | null
}

const entries = new Map<string, Entry>()

/** Told when a followed reply is over, so that its final form can be fetched. */
let onOver: (replyId: string) => void = () => {}

/** Sets what happens at the end of every followed reply. */
export function onReplyOver(handle: (replyId: string) => void): void {
  onOver = handle
}

function nextFrame(draw: () => void): () => void {
  if (document.visibilityState === 'hidden') {
    const timer = setTimeout(draw, hiddenDraw)
    return () => clearTimeout(timer)
  }
  const frame = requestAnimationFrame(draw)
  return () => cancelAnimationFrame(frame)
}

function show(entry: Entry): void {
  entry.cancelDraw = null
  if (entry.shown === entry.now) return
  entry.shown = entry.now
  for (const listen of entry.listeners) listen()
}

function begin(message: MessagePartsFragment): Entry {
  const state = {
    ...replyFrom(message),
    thinkingSince: message.reasoning === '' ? null : performance.now() - (message.reasoningMs ?? 0),
  }
  const entry: Entry = {
    now: state,
    shown: state,
    listeners: new Set(),
    users: 0,
    stop: () => {},
    cancelDraw: null,
  }
  entries.set(message.id, entry)
  entry.stop = subscribeReply(message.id, state.at, {
    event(event) {
      const next = reduceReply(entry.now, event)
      const since = entry.now.thinkingSince ?? (next.reasoning === '' ? null : performance.now())
      entry.now = { ...next, thinkingSince: since }
      entry.cancelDraw ??= nextFrame(() => show(entry))
    },
    over() {
      entry.cancelDraw?.()
      show(entry)
      onOver(message.id)
    },
  })
  return entry
}

function forget(replyId: string, entry: Entry): void {
  entry.stop()
  entry.cancelDraw?.()
  if (entries.get(replyId) === entry) entries.delete(replyId)
}

function follow(replyId: string, message: () => MessagePartsFragment, listen: () => void): () => void {
  const entry = entries.get(replyId) ?? begin(message())
  entry.users++
  entry.listeners.add(listen)
  // The entry may have been made for this drawing, or be ahead of it.
  listen()
  return () => {
    entry.listeners.delete(listen)
    entry.users--
    if (entry.users === 0) forget(replyId, entry)
  }
}

/**
 * The live state of a reply while it is being written, null for a stored one. Following
 * starts with the first component that draws it and ends with the last.
 */
export function useReply(message: MessagePartsFragment): LiveReply | null {
  const { id } = message
  const live = !isOver(message.status)
  const latest = useRef(message)
  useEffect(() => {
    latest.current = message
  })
  const subscribe = useCallback((listen: () => void) => (live ? follow(id, () => latest.current, listen) : () => {}), [id, live])
  return useSyncExternalStore(subscribe, () => (live ? (entries.get(id)?.shown ?? null) : null))
}
