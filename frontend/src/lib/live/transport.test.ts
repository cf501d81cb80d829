import { waitFor } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { overSocket } from './socket'
import { attempt, resetTransport } from './transport'
import type { Loss, Payload, Sink } from './types'

vi.mock('./socket', () => ({ overSocket: vi.fn() }))

let sockets: Sink<unknown>[]
let polls: Sink<unknown>[]
let ended: (Loss | null)[]
let opened = 0
const events: unknown[] = []
let cancelPoll = vi.fn<() => void>()

const poll = (sink: Sink<unknown>) => {
  polls.push(sink)
  return cancelPoll
}
const sink: Sink<unknown> = {
  opened: () => void opened++,
  begun: () => {},
  next: (data) => events.push(data),
  ended: (loss) => ended.push(loss),
}
const begin = () => attempt({ query: '{x}' }, sink, poll)

/** Makes an attempt and waits for its end; a socket ends with `loss`. */
async function fail(loss: Loss = { kind: 'closed', code: 1006 }): Promise<void> {
  const [before, socketsBefore] = [ended.length, sockets.length]
  begin()
  if (sockets.length > socketsBefore) sockets.at(-1)!.ended(loss)
  await waitFor(() => expect(ended).toHaveLength(before + 1))
}

const answer = (status: number, type = 'text/html') =>
  vi
    .spyOn(globalThis, 'fetch')
    .mockImplementation(async () => new Response('<html>proxy</html>', { status, headers: { 'content-type': type } }))

/** Comes to polling, where neither sockets nor streams get through. */
async function comeToPolling() {
  answer(200)
  for (let tries = 0; tries < 4; tries++) await fail()
  const cancel = begin()
  await waitFor(() => expect(polls).toHaveLength(1))
  return cancel
}

beforeEach(() => {
  sockets = []
  polls = []
  ended = []
  events.length = 0
  opened = 0
  cancelPoll = vi.fn<() => void>()
  resetTransport()
  vi.mocked(overSocket).mockImplementation((_payload: Payload, one: Sink<never>) => {
    sockets.push(one)
    return () => {}
  })
})
afterEach(() => {
  vi.useRealTimers()
})

it.each([429, 502, 503, 504])(
  'a proxy that answers %s says that the server is away, not that streams are held back',
  async (status) => {
    answer(status)
    for (let tries = 0; tries < 6; tries++) await fail()
    const before = sockets.length
    begin()
    expect(polls).toEqual([])
    expect(sockets.length + vi.mocked(fetch).mock.calls.length).toBeGreaterThan(before)
  },
)

it('polls where neither sockets nor streams get through', async () => {
  const cancel = await comeToPolling()
  expect(opened).toBe(0)
  cancel()
  expect(cancelPoll).toHaveBeenCalledTimes(1)
})

it.each(['online', 'visibilitychange'])('a socket that works again takes the place of polling at %s', async (name) => {
  await comeToPolling()
  const tries = sockets.length
  ;(name === 'online' ? window : document).dispatchEvent(new Event(name))
  expect(sockets).toHaveLength(tries + 1)
  expect(cancelPoll).not.toHaveBeenCalled()
  const socket = sockets.at(-1)!
  socket.opened()
  socket.next({ n: 1 })
  expect(cancelPoll).toHaveBeenCalledTimes(1)
  expect([opened, events]).toEqual([1, [{ n: 1 }]])
  const losses = ended.length
  socket.ended({ kind: 'network' })
  expect(ended).toHaveLength(losses + 1)
})

it('looks every three minutes, and polls on when nothing better gets through', async () => {
  const cancel = await comeToPolling()
  cancel()
  vi.useFakeTimers()
  begin()
  await vi.waitFor(() => expect(polls).toHaveLength(2))
  for (let round = 1; round <= 2; round++) {
    const tries = sockets.length
    await vi.advanceTimersByTimeAsync(180_000)
    expect(sockets).toHaveLength(tries + 1)
    sockets.at(-1)!.ended({ kind: 'closed', code: 1006 })
    await vi.advanceTimersByTimeAsync(0)
  }
  expect(cancelPoll).toHaveBeenCalledTimes(1)
  expect(ended).toHaveLength(4)
})

it('a poll that fails starts over with a socket', async () => {
  await comeToPolling()
  polls[0]!.opened()
  polls[0]!.ended({ kind: 'network' })
  const tries = sockets.length
  begin()
  expect(sockets).toHaveLength(tries + 1)
})
