import { useCallback, useEffect, useRef, useState } from 'react'
import { ask } from './ask'
import { noReply, type Reply, taken } from './reply'
import type { Body } from './request'

/** What the last request came to. */
export interface Result {
  phase: 'nothing' | 'waiting' | 'open' | 'over' | 'unreachable'
  status: number | null
  headers: readonly (readonly [string, string])[]
  reply: Reply
  /** The events as they came, not all of many. */
  events: readonly string[]
  count: number
  /** Milliseconds until the first text, and until the end. */
  firstAfter: number | null
  took: number | null
}

const nothing: Result = {
  phase: 'nothing',
  status: null,
  headers: [],
  reply: noReply,
  events: [],
  count: 0,
  firstAfter: null,
  took: null,
}

/** Events that are kept in view. */
const mostEvents = 2000

interface Asker {
  result: Result
  busy: boolean
  run(body: Body, apiKey: string): void
  stop(): void
}

/** Asks one thing at a time and holds what comes of it. */
export function useAsk(): Asker {
  const [result, setResult] = useState<Result>(nothing)
  const leave = useRef(() => {})
  useEffect(() => () => leave.current(), [])

  const run = useCallback((body: Body, apiKey: string) => {
    leave.current()
    const abort = new AbortController()
    const began = performance.now()
    const after = () => performance.now() - began
    let now: Result = { ...nothing, phase: 'waiting' }
    let frame = 0
    // Events come faster than they can be drawn.
    const change = (next: Partial<Result>) => {
      now = { ...now, ...next }
      frame ||= requestAnimationFrame(() => {
        frame = 0
        setResult(now)
      })
    }
    const end = (phase: 'over' | 'unreachable') => {
      if (now.phase !== 'over') change({ phase, took: after() })
    }
    leave.current = () => {
      abort.abort()
      end('over')
    }
    setResult(now)
    ask(body, apiKey, abort.signal, {
      opened: (status, headers) => change({ phase: 'open', status, headers }),
      event(data) {
        const reply = taken(now.reply, data)
        const isFirst = now.firstAfter === null && reply.text + reply.reasoning !== ''
        const events = now.count < mostEvents ? [...now.events, data] : now.events
        change({ reply, events, count: now.count + 1, ...(isFirst ? { firstAfter: after() } : {}) })
      },
    }).then(
      () => end('over'),
      () => end(abort.signal.aborted || now.phase === 'open' ? 'over' : 'unreachable'),
    )
  }, [])
  const stop = useCallback(() => leave.current(), [])
  return { result, busy: result.phase === 'waiting' || result.phase === 'open', run, stop }
}
