import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ReplyEventsSubscription } from '@/gql/graphql'
import { attempt } from '@/lib/live/transport'
import type { Payload, Sink } from '@/lib/live/types'
import type { ReplyEvent } from './reduce-reply'
import { subscribeReply } from './reply-stream'

vi.mock('@/lib/live/transport', () => ({ attempt: vi.fn() }))

interface Try {
  variables: Record<string, unknown>
  sink: Sink<ReplyEventsSubscription>
  cancelled: boolean
}

let tries: Try[]
const latest = () => tries.at(-1)!
const send = (event: ReplyEvent) => latest().sink.next({ replyEvents: event })
const delta = (seq: number, text = 'x'): ReplyEvent => ({ __typename: 'ReplyDelta', seq, text })
const refuse = (code: string) => latest().sink.ended({ kind: 'refused', errors: [{ message: code, extensions: { code } }] })

beforeEach(() => {
  vi.useFakeTimers()
  tries = []
  vi.mocked(attempt).mockImplementation((payload: Payload, sink: Sink<never>) => {
    const one: Try = { variables: payload.variables ?? {}, sink, cancelled: false }
    tries.push(one)
    return () => {
      one.cancelled = true
    }
  })
})
afterEach(() => {
  vi.useRealTimers()
})

function follow(from = 3) {
  const events: ReplyEvent[] = []
  const over = vi.fn()
  const stop = subscribeReply('msg_1', from, { event: (event) => events.push(event), over })
  return { events, over, stop }
}

describe('subscribeReply', () => {
  it('asks for what follows the stored position', () => {
    follow(3)
    expect(latest().variables).toEqual({ replyId: 'msg_1', afterSeq: 3, windowMs: 33 })
  })

  it('asks again from the newest position after every loss', async () => {
    const { events } = follow(3)
    for (const seq of [4, 9, 17]) {
      latest().sink.opened()
      send(delta(seq))
      latest().sink.ended({ kind: 'closed', code: 1006 })
      await vi.advanceTimersByTimeAsync(1_000)
      expect(latest().variables.afterSeq).toBe(seq)
    }
    expect(events.map((event) => event.seq)).toEqual([4, 9, 17])
    expect(tries).toHaveLength(4)
  })

  it('comes back quickly when the server says that it restarts', async () => {
    follow()
    latest().sink.ended({ kind: 'closed', code: 1012 })
    await vi.advanceTimersByTimeAsync(500)
    expect(tries).toHaveLength(2)
  })

  it('waits longer and longer while nobody answers, and not at all when the network comes back', async () => {
    follow()
    for (let round = 0; round < 6; round++) {
      latest().sink.ended({ kind: 'network' })
      await vi.advanceTimersByTimeAsync(15_000)
    }
    const before = tries.length
    latest().sink.ended({ kind: 'network' })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(tries).toHaveLength(before)
    window.dispatchEvent(new Event('online'))
    expect(tries).toHaveLength(before + 1)
  })

  it('drops what it has', () => {
    const { events } = follow(3)
    send(delta(3))
    send(delta(2))
    send(delta(4))
    expect(events).toHaveLength(1)
  })

  it('asks for everything when its position is beyond the end', () => {
    const { over } = follow(40)
    refuse('INVALID')
    expect(latest().variables).toEqual({ replyId: 'msg_1', windowMs: 33 })
    expect(over).not.toHaveBeenCalled()
  })

  it('is over once after the end, and asks no more', async () => {
    const { over } = follow()
    send({ __typename: 'ReplyFinished', seq: 4, status: 'COMPLETE' })
    latest().sink.ended(null)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(over).toHaveBeenCalledTimes(1)
    expect(tries).toHaveLength(1)
  })

  it('takes an end that has the position of the last piece', () => {
    const ends: ReplyEvent[] = [
      { __typename: 'ReplyFinished', seq: 4, status: 'COMPLETE' },
      { __typename: 'ReplyFailed', seq: 4, error: { code: 'UPSTREAM_FAILED', message: 'it broke', retryAfterMs: null } },
    ]
    for (const end of ends) {
      const { events, over } = follow(3)
      send(delta(4))
      send(end)
      expect(events).toEqual([delta(4), end])
      expect(over).toHaveBeenCalledTimes(1)
    }
  })

  it('is over when the reply doesn’t exist or the server completes without an end', () => {
    const unknown = follow()
    refuse('NOT_FOUND')
    expect(unknown.over).toHaveBeenCalledTimes(1)
    const completed = follow()
    latest().sink.ended(null)
    expect(completed.over).toHaveBeenCalledTimes(1)
  })

  it('tries again later when the server is too busy', async () => {
    const { over } = follow()
    refuse('RATE_LIMITED')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(tries).toHaveLength(2)
    expect(over).not.toHaveBeenCalled()
  })

  it('says nothing after it was stopped', async () => {
    const { events, over, stop } = follow()
    const { sink } = latest()
    stop()
    sink.next({ replyEvents: delta(9) })
    sink.ended({ kind: 'network' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(latest().cancelled).toBe(true)
    expect([events.length, over.mock.calls.length, tries.length]).toEqual([0, 0, 1])
  })
})
