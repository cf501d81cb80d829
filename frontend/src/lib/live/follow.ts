import { closeCodes, retryDelay } from './backoff'
import { lineUser } from './connection'
import type { Loss, Sink, WireError } from './types'

/** What is followed and what becomes of it. */
export interface Followed<T> {
  /** Makes one attempt from wherever the follower has come to. */
  attempt(sink: Sink<T>): () => void
  next(data: T): void
  /** The server completed it. `again` follows on; otherwise it is over. */
  completed(): 'again' | 'end'
  /** The server refused it: ask again at once, later, or give up. */
  refused(errors: readonly WireError[]): 'now' | 'later' | 'end'
  /** Data flow again after a loss: something may have been missed. */
  returned?(): void
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
  let everOpened = false
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
    const again = everOpened && tries > 0
    tries = 0
    everOpened = true
    lineOf.up()
    if (again) what.returned?.()
  }

  const ended = (loss: Loss | null) => {
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
      next: (data) => isMine() && what.next(data),
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
