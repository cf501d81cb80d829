import { describe, expect, it } from 'vitest'
import { retryDelay } from './backoff'
import { climb, type Finding, top } from './ladder'

const after = (...findings: Finding[]) => findings.reduce(climb, top).rung

describe('F28: the way live data take', () => {
  it.each<[string, Finding[], string]>([
    ['a websocket first', [], 'socket'],
    ['one failure changes nothing', ['miss'], 'socket'],
    ['two failures in a row try a stream', ['miss', 'miss'], 'stream'],
    ['failures apart don’t', ['miss', 'open', 'miss'], 'socket'],
    ['a stream that opens stays', ['miss', 'miss', 'open'], 'stream'],
    ['a stream that nobody answers means that the server is away', ['miss', 'miss', 'miss'], 'socket'],
    ['then one more miss brings the stream back', ['miss', 'miss', 'miss', 'miss'], 'stream'],
    ['a held-back stream twice leads to polling', ['miss', 'miss', 'blocked', 'blocked'], 'poll'],
    ['a poll that fails starts over', ['miss', 'miss', 'blocked', 'blocked', 'miss'], 'socket'],
    ['after a while the top is tried again', ['miss', 'miss', 'retry'], 'socket'],
  ])('%s', (_name, findings, rung) => {
    expect(after(...findings)).toBe(rung)
  })
})

describe('pauses between tries', () => {
  it('double up to 15 s, never less than half of that', () => {
    for (const random of [0, 0.5, 1]) {
      expect(retryDelay(1, null, random)).toBeLessThanOrEqual(500)
      expect(retryDelay(20, 1006, random)).toBeLessThanOrEqual(15_000)
      expect(retryDelay(20, 1006, random)).toBeGreaterThanOrEqual(7_500)
    }
  })

  it('are short while a server restarts, and differ between clients', () => {
    expect(retryDelay(1, 1012, 1)).toBeLessThanOrEqual(500)
    expect(retryDelay(1, 1012, 0)).not.toBe(retryDelay(1, 1012, 1))
    expect(retryDelay(10, 1012, 0)).toBeGreaterThan(5_000)
  })
})
