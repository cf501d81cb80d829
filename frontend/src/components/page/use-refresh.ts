import { useEffect, useRef } from 'react'
import { useStore } from '@/lib/store'
import { missedEvents } from '@/lib/ui-state'

/**
 * Asks again every `every` milliseconds while the page is looked at, when it is looked at
 * again, and when events may have been missed since it is there.
 */
export function useRefresh(ask: () => void, every: number): void {
  const missed = useStore(missedEvents)
  const seen = useRef(missed)
  useEffect(() => {
    if (seen.current === missed) return
    seen.current = missed
    ask()
  }, [missed, ask])
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === 'visible') ask()
    }
    const timer = setInterval(look, every)
    document.addEventListener('visibilitychange', look)
    window.addEventListener('focus', look)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', look)
      window.removeEventListener('focus', look)
    }
  }, [ask, every])
}
