import { useCallback, useEffect, useRef, useState } from 'react'
import { type Answer, type Ask, runLive, runOnce } from './run'

/** An event of a subscription, with the milliseconds since it began. */
export interface LiveEvent {
  number: number
  after: number
  text: string
}

/** What the last run came to. */
export type Result =
  | { kind: 'nothing' }
  | { kind: 'running' }
  | { kind: 'unreachable' }
  | { kind: 'answer'; answer: Answer }
  | {
      kind: 'live'
      phase: 'opening' | 'open' | 'over'
      count: number
      /** The newest first, and not all of many. */
      events: readonly LiveEvent[]
      /** Why it is over; null when it was completed or ended here. */
      why: string | null
    }

type Live = Extract<Result, { kind: 'live' }>

/** Events that are kept in view. */
const mostEvents = 200

interface Runner {
  result: Result
  busy: boolean
  /** Runs it; what ran before is ended. `onDone` hears how it ended. */
  run(ask: Ask, isLive: boolean, onDone: (outcome: string) => void): void
  stop(): void
}

/** Runs one operation at a time and holds what came of it. */
export function useRun(): Runner {
  const [result, setResult] = useState<Result>({ kind: 'nothing' })
  const cancel = useRef(() => {})
  useEffect(() => () => cancel.current(), [])

  const runQuery = useCallback((ask: Ask, onDone: (outcome: string) => void) => {
    const abort = new AbortController()
    cancel.current = () => abort.abort()
    setResult({ kind: 'running' })
    runOnce(ask, abort.signal).then(
      (answer) => {
        setResult({ kind: 'answer', answer })
        onDone(String(answer.status))
      },
      () => setResult({ kind: abort.signal.aborted ? 'nothing' : 'unreachable' }),
    )
  }, [])

  const follow = useCallback((ask: Ask, onDone: (outcome: string) => void) => {
    const began = performance.now()
    let live: Live = { kind: 'live', phase: 'opening', count: 0, events: [], why: null }
    let frame = 0
    // Events come faster than they can be drawn.
    const draw = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0
        setResult(live)
      })
    }
    const change = (next: Partial<Live>) => {
      live = { ...live, ...next }
      draw()
    }
    const end = (why: string | null) => {
      change({ phase: 'over', why })
      onDone(String(live.count))
    }
    const stop = runLive(ask, {
      opened: () => change({ phase: 'open' }),
      event(text) {
        const event = { number: live.count + 1, after: performance.now() - began, text }
        change({ phase: 'open', count: live.count + 1, events: [event, ...live.events].slice(0, mostEvents) })
      },
      ended: end,
    })
    cancel.current = () => {
      stop()
      if (live.phase !== 'over') end(null)
    }
    setResult(live)
  }, [])

  const stop = useCallback(() => cancel.current(), [])
  const run = useCallback(
    (ask: Ask, isLive: boolean, onDone: (outcome: string) => void) => {
      cancel.current()
      if (isLive) follow(ask, onDone)
      else runQuery(ask, onDone)
    },
    [follow, runQuery],
  )
  const busy = result.kind === 'running' || (result.kind === 'live' && result.phase !== 'over')
  return { result, busy, run, stop }
}
