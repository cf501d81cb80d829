/**
 * How live data travel: a websocket; where those are blocked, an event stream; where
 * streams are held back, polling. Pure: the state machine behind `transport`.
 */
export type Rung = 'socket' | 'stream' | 'poll'

export interface Ladder {
  rung: Rung
  /** Failures in a row on this rung. */
  misses: number
}

/** What an attempt on the present rung showed. */
export type Finding =
  /** Data can flow. */
  | 'open'
  /** Nothing answered: it may be the network or the server, not the transport. */
  | 'miss'
  /** Something answered, but not with a stream. */
  | 'blocked'
  /** Time to look whether a better rung works again. */
  | 'retry'

export const top: Ladder = { rung: 'socket', misses: 0 }

/** Failures in a row after which the next rung is tried. */
const patience = 2

/** The ladder after a finding. */
export function climb(now: Ladder, finding: Finding): Ladder {
  switch (finding) {
    case 'open':
      return now.misses === 0 ? now : { ...now, misses: 0 }
    case 'retry':
      return top
    case 'miss':
      return missed(now)
    case 'blocked':
      return now.rung === 'socket' ? missed(now) : failed(now, 'poll')
  }
}

function missed(now: Ladder): Ladder {
  // A stream or poll that nobody answers means that the server is away, not that it is
  // blocked: the next try is a socket again, and one more miss brings the stream back.
  return now.rung === 'socket' ? failed(now, 'stream') : { rung: 'socket', misses: patience - 1 }
}

function failed(now: Ladder, next: Rung): Ladder {
  const misses = now.misses + 1
  return misses >= patience ? { rung: next, misses: 0 } : { ...now, misses }
}
