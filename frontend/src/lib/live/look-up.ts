import { overEventStream } from './event-stream'
import type { Rung } from './ladder'
import { overSocket } from './socket'
import type { Attempt, Payload, Sink } from './types'

/** Milliseconds between looks whether something better than polling gets through by now. */
const lookEvery = 3 * 60_000

export { overEventStream }

const better: readonly (readonly [Rung, Attempt])[] = [
  ['socket', overSocket],
  ['stream', overEventStream],
]

/**
 * Polls until a websocket or a stream gets through, which then takes its place: looked for
 * every three minutes and when the network or the page comes back. `found` hears which it is.
 */
export function pollMeanwhile<T>(
  payload: Payload,
  sink: Sink<T>,
  poll: (sink: Sink<T>) => () => void,
  found: (rung: Rung) => void,
): () => void {
  let looking = false
  let cancelLook = () => {}
  let timer = setTimeout(start, lookEvery)

  function start(): void {
    if (!looking && document.visibilityState === 'visible') look(0)
  }

  function look(at: number): void {
    clearTimeout(timer)
    const next = better[at]
    looking = next !== undefined
    if (!next) {
      timer = setTimeout(start, lookEvery)
      return
    }
    const [rung, attempt] = next
    let opened = false
    cancelLook = attempt<T>(payload, {
      opened() {
        if (!opened) endPolling()
        opened = true
        found(rung)
        sink.opened()
      },
      begun: () => sink.begun(),
      next: (data) => sink.next(data),
      ended: (loss) => (opened ? sink.ended(loss) : look(at + 1)),
    })
  }

  const endWatch = () => {
    clearTimeout(timer)
    window.removeEventListener('online', start)
    document.removeEventListener('visibilitychange', start)
  }
  window.addEventListener('online', start)
  document.addEventListener('visibilitychange', start)
  const endPoll = poll({
    opened: () => sink.opened(),
    begun: () => sink.begun(),
    next: (data) => sink.next(data),
    ended(loss) {
      endWatch()
      cancelLook()
      sink.ended(loss)
    },
  })
  const endPolling = () => {
    endWatch()
    endPoll()
  }
  return () => {
    endPolling()
    cancelLook()
  }
}
