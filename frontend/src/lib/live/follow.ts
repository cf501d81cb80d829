import { closeCodes, retryDelay } from './backoff'
import { lineUser } from './connection'
import type { Loss, Sink, WireError } from './types'

/** Milliseconds after which an open line has proved itself. */
const steady = 5_000

/** What is followed and what becomes of it. */
export interface Followed<T> {
  /** Makes one attempt from wherever the follower has come to. */
  attempt(sink: Sink<T>): () => void
  next(data: T): void
  /** The server completed it. `again` follows on; otherwise it is over. */
  completed(): 'again' | 'end'
  /** The server refused it: ask again at once, later, or give up. */
  refused(errors: readonly WireError[]): 'now' | 'later' | 'end'
  /**
   * All that happens from now on comes, at the first beginning and at every later one: what was
   * read before, or meanwhile, has to be read again, for something may be missing there.
   */
  begun?(): void
  /** The server no longer knows who we are. */
  viewerLost?(): void
}

/**
 * Follows something for as long as it takes: whatever is lost is asked for again, with
 * growing pauses, at once when the network or the page comes back. The returned function
 * ends it.
 */
export function follow<T>(what: Followed<T>): () => void {
  const lineOf = lineUser()
  let over = false
  let tries = 0
  let openedAt = Number.POSITIVE_INFINITY
  let timer: ReturnType<typeof setTimeout> | undefined
  let cancel = () => {}
  let current = 0

  const finish = () => {
    over = true
    clearTimeout(timer)
    cancel()
    lineOf.forget()
    window.removeEventListener('online', hurry)
    document.removeEventListener('visibilitychange', hurry)
  }

  const opened = () => {
    openedAt = performance.now()
    lineOf.up()
  }

  const next = (data: T) => {
    tries = 0
    what.next(data)
  }

  const ended = (loss: Loss | null) => {
    // A line that opens and is refused at once, again and again, is asked less and less.
    if (performance.now() - openedAt > steady) tries = 0
    openedAt = Number.POSITIVE_INFINITY
    if (!loss) {
      if (what.completed() === 'end') finish()
      else again(null)
      return
    }
    if (loss.kind === 'refused') {
      lineOf.up()
      const then = what.refused(loss.errors)
      if (then === 'end') finish()
      else if (then === 'now') start()
      else again(null)
      return
    }
    lineOf.down()
    const code = loss.kind === 'closed' ? loss.code : null
    if (code === closeCodes.unauthenticated || code === closeCodes.forbidden) what.viewerLost?.()
    again(code)
  }

  const again = (code: number | null) => {
    tries++
    timer = setTimeout(start, retryDelay(tries, code, Math.random()))
  }

  const start = () => {
    clearTimeout(timer)
    timer = undefined
    const mine = ++current
    const isMine = () => !over && mine === current
    cancel = what.attempt({
      opened: () => isMine() && opened(),
      begun: () => isMine() && what.begun?.(),
      next: (data) => isMine() && next(data),
      ended: (loss) => isMine() && ended(loss),
    })
  }

  function hurry(): void {
    if (timer !== undefined && navigator.onLine && document.visibilityState === 'visible') start()
  }

  window.addEventListener('online', hurry)
  document.addEventListener('visibilitychange', hurry)
  start()
  return () => {
    if (!over) finish()
  }
}
