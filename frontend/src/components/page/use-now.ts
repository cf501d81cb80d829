import { useEffect, useState } from 'react'

/** Milliseconds between two looks at the clock. */
const every = 15_000
/** Every time zone's hours begin with one of these. */
const quarter = 15 * 60_000

const quarterOf = (at: Date): number => Math.floor(at.getTime() / quarter)

/** The time, another one when the next quarter of an hour, and so perhaps an hour or a day, has begun. */
export function useNow(): Date {
  const [now, setNow] = useState(() => new Date())
  useEffect(() => {
    const look = () => setNow((before) => (quarterOf(new Date()) === quarterOf(before) ? before : new Date()))
    const timer = setInterval(look, every)
    document.addEventListener('visibilitychange', look)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [])
  return now
}
