import { createStore, type Store } from '../store'

/** How the line to the server is: drawn as a banner when it isn't `up` for a while. */
export type Line = 'up' | 'reconnecting' | 'offline'

/** Shorter losses are repaired before anybody has to read about them. */
const quiet = 2_000

/** The state to show: calm for the first two seconds of a loss. */
export const line: Store<Line> = createStore<Line>('up')

const lost = new Set<symbol>()
let timer: ReturnType<typeof setTimeout> | undefined

function refresh(): void {
  const offline = !navigator.onLine
  if (!offline && lost.size === 0) {
    clearTimeout(timer)
    timer = undefined
    line.set('up')
    return
  }
  if (line.get() !== 'up') {
    line.set(offline ? 'offline' : 'reconnecting')
    return
  }
  timer ??= setTimeout(() => {
    timer = undefined
    if (!navigator.onLine || lost.size > 0) line.set(navigator.onLine ? 'reconnecting' : 'offline')
  }, quiet)
}

/** One thing that needs the line; `forget` when it is no longer needed. */
export function lineUser(): { up(): void; down(): void; forget(): void } {
  const key = Symbol('line user')
  const up = () => {
    if (lost.delete(key)) refresh()
  }
  return {
    up,
    down() {
      lost.add(key)
      refresh()
    },
    forget: up,
  }
}

/** Follows the browser's own knowledge of the network. The returned function ends it. */
export function watchNetwork(): () => void {
  window.addEventListener('online', refresh)
  window.addEventListener('offline', refresh)
  refresh()
  return () => {
    window.removeEventListener('online', refresh)
    window.removeEventListener('offline', refresh)
  }
}
