import { useEffect, useMemo, useState } from 'react'

/** Whole seconds since `since` (performance.now() time), drawn anew every second while given. */
export function useSeconds(since: number | null): number {
  const [seconds, setSeconds] = useState(0)
  useEffect(() => {
    if (since === null) return
    const tick = () => setSeconds(Math.max(0, Math.round((performance.now() - since) / 1000)))
    tick()
    const timer = setInterval(tick, 1000)
    return () => clearInterval(timer)
  }, [since])
  return seconds
}

/** The time of day in milliseconds, drawn anew every minute. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 60_000)
    return () => clearInterval(timer)
  }, [])
  return now
}

/** Milliseconds; every time zone's hours and days begin with one of these. */
const quarter = 15 * 60_000

/** When the present quarter of an hour began: another time when an hour or a day has begun, within a minute. */
export function useQuarter(): Date {
  const count = Math.floor(useNow() / quarter)
  return useMemo(() => new Date(count * quarter), [count])
}
