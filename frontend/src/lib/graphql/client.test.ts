import { gql } from '@urql/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { pipe, subscribe } from 'wonka'
import { attempt } from '../live/transport'
import type { Sink } from '../live/types'
import { createClient } from './client'

vi.mock('../live/transport', () => ({ attempt: vi.fn() }))

const seen: string[] = []
const sink: Sink<unknown> = {
  opened: () => seen.push('opened'),
  begun: () => seen.push('begun'),
  next: () => seen.push('next'),
  ended: (loss) => seen.push(`ended ${loss?.kind}`),
}

/** What stands in for the viewer's events where no stream gets through. */
async function poll(): Promise<() => void> {
  vi.mocked(attempt).mockReset()
  vi.mocked(attempt).mockReturnValue(() => {})
  const client = createClient({ missed: () => {}, viewerLost: () => {} })
  pipe(
    client.subscription(gql('subscription S { x }'), {}),
    subscribe(() => {}),
  )
  await vi.waitFor(() => expect(attempt).toHaveBeenCalled())
  const start = vi.mocked(attempt).mock.lastCall?.[2]
  return start!(sink)
}

beforeEach(() => {
  vi.useFakeTimers()
  seen.length = 0
})
afterEach(() => {
  vi.useRealTimers()
})

it.each([
  ['502 of a proxy', async () => new Response('<html>', { status: 502 })],
  ['503 of the server', async () => new Response('{"errors":[]}', { status: 503 })],
  ['a network that is gone', () => Promise.reject(new TypeError('failed'))],
])('polling doesn’t say that the line is open: %s', async (_name, answer) => {
  vi.spyOn(globalThis, 'fetch').mockImplementation(answer)
  await poll()
  await vi.waitFor(() => expect(seen).toEqual(['ended network']))
})

it('polling asks again while the server answers, and ends with the first failure', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('{"data":{"service":{}}}'))
  await poll()
  await vi.waitFor(() => expect(seen).toEqual(['opened', 'begun']))
  await vi.advanceTimersByTimeAsync(15_000)
  await vi.waitFor(() => expect(seen).toEqual(['opened', 'begun', 'opened', 'begun']))
  fetched.mockRejectedValue(new TypeError('failed'))
  await vi.advanceTimersByTimeAsync(15_000)
  await vi.waitFor(() => expect(seen.at(-1)).toBe('ended network'))
})

it('a poll that is ended asks nothing more', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('{"data":{"service":{}}}'))
  const end = await poll()
  end()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(fetched.mock.calls.length).toBeLessThanOrEqual(1)
  expect(seen).toEqual([])
})
