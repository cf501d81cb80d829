/** Websocket close codes with a meaning of their own. */
export const closeCodes = { restart: 1012, unauthenticated: 4401, forbidden: 4403 } as const

const first = 500
const longest = 15_000

/**
 * Milliseconds to wait before try number `tries` (1 is the first repetition): doubling,
 * at most 15 s, with jitter so that clients of a restarted server don't come at once.
 * A server that says it restarts is asked again quickly.
 */
export function retryDelay(tries: number, closeCode: number | null, random: number): number {
  if (closeCode === closeCodes.restart && tries <= 3) return 100 + random * 400
  const full = Math.min(first * 2 ** (tries - 1), longest)
  return full / 2 + (random * full) / 2
}
