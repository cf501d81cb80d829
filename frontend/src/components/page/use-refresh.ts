import { useEffect } from 'react'
import { useStore } from '@/lib/store'
import { missedEvents } from '@/lib/ui-state'

/** Asks again every `every` milliseconds while the page is looked at, and when it is looked at again. */
export function useRefresh(ask: () => void, every: number): void {
  const missed = useStore(missedEvents)
  useEffect(() => {
    if (missed > 0) ask()
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
