import { send } from './send'
import type { Attempt, Loss, Payload, Sink, WireError } from './types'

/** The server sends a sign of life every 15 s; silence for longer means a held-back stream. */
const firstByteWait = 20_000
const silence = 40_000

/** One event of a text/event-stream. */
export interface StreamEvent {
  event: string
  data: string
}

/** Splits a growing text/event-stream into events; `rest` is the unfinished end. */
export function splitEvents(buffer: string): { events: StreamEvent[]; rest: string } {
  // A carriage return at the end may be half of a line end.
  const half = buffer.endsWith('\r') ? '\r' : ''
  const whole = half ? buffer.slice(0, -1) : buffer
  const parts = whole.replace(/\r\n?/g, '\n').split('\n\n')
  const rest = (parts.pop() ?? '') + half
  const events = parts.map(parseEvent).filter((event) => event !== null)
  return { events, rest }
}

function parseEvent(block: string): StreamEvent | null {
  let event = 'message'
  const data: string[] = []
  let named = false
  for (const line of block.split('\n')) {
    const [, field, value] = /^(event|data)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'event') {
      event = value ?? ''
      named = true
    } else if (field === 'data') data.push(value ?? '')
  }
  return named || data.length > 0 ? { event, data: data.join('\n') } : null
}

interface Result<T> {
  data?: T | null
  errors?: readonly WireError[]
}

/** Follows an operation over a server-sent event stream of its own. */
export const overEventStream: Attempt = <T>(payload: Payload, sink: Sink<T>) => {
  const abort = new AbortController()
  let live = true
  const end = (loss: Loss | null) => {
    if (!live) return
    live = false
    abort.abort()
    sink.ended(loss)
  }
  void read(payload, abort.signal, sink, end)
  return () => {
    live = false
    abort.abort()
  }
}

async function read<T>(payload: Payload, signal: AbortSignal, sink: Sink<T>, end: (loss: Loss | null) => void): Promise<void> {
  let watchdog = setTimeout(() => end({ kind: 'blocked' }), firstByteWait)
  try {
    const response = await request(payload, signal)
    if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
      end(await refusal(response))
      return
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let buffer = ''
    let opened = false
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      clearTimeout(watchdog)
      watchdog = setTimeout(() => end({ kind: 'network' }), silence)
      if (!opened) {
        opened = true
        sink.opened()
        // The server sends nothing before the subscription is there.
        sink.begun()
      }
      const split = splitEvents(buffer + chunk.value)
      buffer = split.rest
      for (const event of split.events) deliver(event, sink, end)
    }
    end({ kind: 'network' })
  } catch {
    end({ kind: 'network' })
  } finally {
    clearTimeout(watchdog)
  }
}

function request(payload: Payload, signal: AbortSignal): Promise<Response> {
  return send('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify(payload),
    cache: 'no-store',
    signal,
  })
}

function deliver<T>(event: StreamEvent, sink: Sink<T>, end: (loss: Loss | null) => void): void {
  if (event.event === 'complete') {
    end(null)
    return
  }
  if (event.event !== 'next') return
  const result = JSON.parse(event.data) as Result<T>
  if (result.errors?.length) end({ kind: 'refused', errors: result.errors })
  else if (result.data) sink.next(result.data)
}

/** What our server, or a proxy before it, answers while it is away or too busy. */
const away: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** What an answer that isn't a stream means: our server's own words, or somebody in between. */
async function refusal(response: Response): Promise<Loss> {
  if (away.has(response.status)) return { kind: 'network' }
  const body = (await response.json().catch(() => null)) as Result<unknown> | null
  const errors = body?.errors
  if (response.status < 500 && errors?.some((error) => error.extensions?.code)) {
    return { kind: 'refused', errors }
  }
  return { kind: 'blocked' }
}
