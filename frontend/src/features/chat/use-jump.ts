import { type RefObject, useEffect, useRef } from 'react'
import type { ThreadHandle } from './thread-view'
import type { Thread } from './use-thread'

/**
 * Brings a message on show: loads earlier pages until it is there, and shows its branch
 * when it is on another one.
 */
export function useJump(
  to: string | null,
  thread: Thread,
  view: RefObject<ThreadHandle | null>,
  showBranch: (messageId: string) => Promise<void>,
  onDone: () => void,
): void {
  const tried = useRef<string | null>(null)
  useEffect(() => {
    if (!to || thread.state !== 'ready') return
    const here = thread.messages.some((message) => message.id === to)
    if (here) {
      tried.current = null
      const frame = requestAnimationFrame(() => {
        view.current?.reveal(to)
        onDone()
      })
      return () => cancelAnimationFrame(frame)
    }
    if (thread.hasOlder) {
      if (thread.older === 'idle') void thread.loadOlder()
      return
    }
    if (tried.current === to) {
      onDone()
      return
    }
    tried.current = to
    void showBranch(to)
  })
}
