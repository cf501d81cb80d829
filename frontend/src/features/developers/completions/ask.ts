import { splitEvents } from '@/lib/live/event-stream'
import type { Body } from './request'

/** What becomes of a request. */
export interface Listener {
  /** The answer has begun: its status and its headers. */
  opened(status: number, headers: readonly (readonly [string, string])[]): void
  /** One event of a stream, or all of an answer that is none. */
  event(data: string): void
}

/** Headers that say something to whoever wrote the request. */
const telling = /^(x-|openai-|retry-after|content-type|idempotency-)/

/** Asks with a key. It rejects when the server can't be reached, or the line breaks. */
export async function ask(body: Body, apiKey: string, signal: AbortSignal, listener: Listener): Promise<void> {
  const response = await fetch('/v1/chat/completions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${apiKey}` },
    body: JSON.stringify(body),
    // With a key nobody is who his cookies say.
    credentials: 'omit',
    cache: 'no-store',
    signal,
  })
  listener.opened(
    response.status,
    [...response.headers].filter(([name]) => telling.test(name)),
  )
  if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
    listener.event(await response.text())
    return
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let buffer = ''
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const split = splitEvents(buffer + chunk.value)
    buffer = split.rest
    for (const { data } of split.events) listener.event(data)
  }
}
