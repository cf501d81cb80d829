/** The page's side of the highlighter that runs in a worker. */
import { trustedScriptUrl } from '@/lib/trusted-types'
import workerUrl from './highlight.worker?worker&url'

/** A piece of a line and what it is, such as `keyword`; plain text is of no kind. */
export type Span = readonly [text: string, kind: string]

/** The pieces of one line, without its line break. */
export type Line = readonly Span[]

/** The next lines of a code block. */
export interface HighlightRequest {
  id: number
  session: number
  language: string
  code: string
}

/** Says that no more lines of a session follow. */
export interface HighlightEnd {
  session: number
  end: true
}

/** The coloured lines of a request, or null when the language is unknown or its grammar failed. */
export interface HighlightReply {
  id: number
  lines: readonly Line[] | null
}

type Answer = (lines: readonly Line[] | null) => void

/** Milliseconds without any answer after which a worker counts as stuck. */
const PATIENCE_MS = 10_000

let worker: Worker | null = null
let watchdog: ReturnType<typeof setTimeout> | undefined
let requests = 0
let sessions = 0
const pending = new Map<number, Answer>()

/** Gives up on the worker: whatever waits stays plain, and the next request starts another one. */
function giveUp(): void {
  clearTimeout(watchdog)
  worker?.terminate()
  worker = null
  const answers = [...pending.values()]
  pending.clear()
  for (const answer of answers) answer(null)
}

function watch(): void {
  clearTimeout(watchdog)
  if (pending.size > 0) watchdog = setTimeout(giveUp, PATIENCE_MS)
}

function receive({ data }: MessageEvent<HighlightReply>): void {
  const answer = pending.get(data.id)
  pending.delete(data.id)
  watch()
  answer?.(data.lines)
}

function start(): Worker {
  const started = new Worker(trustedScriptUrl(workerUrl), { type: 'module' })
  started.onmessage = receive
  started.onerror = giveUp
  return started
}

/** Answers a number for a new code block. */
export function newSession(): number {
  sessions += 1
  return sessions
}

/**
 * Colours the next lines of a code block. The promise never rejects: it answers null when the code has
 * to stay plain, and after that the session is over.
 */
export function highlight(session: number, language: string, code: string): Promise<readonly Line[] | null> {
  if (typeof Worker === 'undefined') return Promise.resolve(null)
  return new Promise((resolve) => {
    requests += 1
    const request: HighlightRequest = { id: requests, session, language, code }
    pending.set(request.id, resolve)
    try {
      worker ??= start()
      worker.postMessage(request)
      watch()
    } catch {
      giveUp()
    }
  })
}

/** Lets the worker forget a code block. */
export function endSession(session: number): void {
  const message: HighlightEnd = { session, end: true }
  worker?.postMessage(message)
}
