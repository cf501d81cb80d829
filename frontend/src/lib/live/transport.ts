import { climb, type Finding, type Ladder, type Rung, top } from './ladder'
import { overSocket } from './socket'
import type { Loss, Payload, Sink } from './types'

/** After this long on a lower rung the websocket is tried again. */
const lookUpAfter = 3 * 60_000

// Asked for before they are needed, when little gets through. Without them polling is left.
const lower = import('./look-up').catch(() => null)

let ladder: Ladder = top
let descended = 0

function report(rung: Rung, finding: Finding): void {
  if (rung !== ladder.rung) return // an older attempt speaks of another rung
  ladder = climb(ladder, finding)
  if (ladder.rung !== 'socket' && rung === 'socket') descended = Date.now()
}

function findingOf(loss: Loss | null, opened: boolean): Finding | null {
  if (!loss || loss.kind === 'refused' || opened) return null
  // The server's own words about the viewer say nothing about the transport.
  if (loss.kind === 'closed' && loss.code >= 4400 && loss.code < 4429) return null
  return loss.kind === 'blocked' ? 'blocked' : 'miss'
}

/** What travels now; it changes when attempts fail. */
function rungInUse(): Rung {
  if (ladder.rung !== 'socket' && Date.now() - descended > lookUpAfter) ladder = climb(ladder, 'retry')
  return ladder.rung
}

/** Starts at the top again, for example when the network changed. */
export function resetTransport(): void {
  ladder = top
}

/**
 * Makes one attempt to follow an operation over what works best; `poll` stands in where
 * no stream gets through.
 */
export function attempt<T>(payload: Payload, sink: Sink<T>, poll: (sink: Sink<T>) => () => void): () => void {
  const rung = rungInUse()
  let opened = false
  const watched: Sink<T> = {
    opened() {
      opened = true
      report(rung, 'open')
      sink.opened()
    },
    begun: () => sink.begun(),
    next: (data) => sink.next(data),
    ended(loss) {
      // A poll that fails after others didn't says that the server is away now.
      const finding = findingOf(loss, opened && rung !== 'poll')
      if (finding) report(rung, finding)
      sink.ended(loss)
    },
  }
  if (rung === 'socket') return overSocket(payload, watched)
  let cancelled = false
  let cancel = () => {
    cancelled = true
  }
  void lower.then((loaded) => {
    if (cancelled) return
    if (!loaded) cancel = poll(watched)
    else if (rung === 'stream') cancel = loaded.overEventStream(payload, watched)
    else cancel = loaded.pollMeanwhile(payload, watched, poll, found)
  })
  return () => cancel()
}

/** Something better than polling got through. */
function found(rung: Rung): void {
  ladder = { rung, misses: 0 }
}
