import { afterEach, describe, expect, it, vi } from 'vitest'
import { overEventStream, splitEvents } from './event-stream'
import type { Loss } from './types'

describe('splitEvents', () => {
  const wire =
    'event: next\ndata: {"a":1}\n\n:\n\n: keep-alive\r\n\r\nevent: next\r\ndata: {"b":\r\ndata: 2}\r\n\r\nevent: complete\n\n'

  it('gives the same events however the bytes are cut', () => {
    for (let size = 1; size < wire.length; size++) {
      let buffer = ''
      const events = []
      for (let at = 0; at < wire.length; at += size) {
        const split = splitEvents(buffer + wire.slice(at, at + size))
        buffer = split.rest
        events.push(...split.events)
      }
      expect(events).toEqual([
        { event: 'next', data: '{"a":1}' },
        { event: 'next', data: '{"b":\n2}' },
        { event: 'complete', data: '' },
      ])
    }
  })
})

function stream(text: string, init: ResponseInit = { headers: { 'content-type': 'text/event-stream' } }) {
  vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(text, init))
}

function follow() {
  const seen: unknown[] = []
  return new Promise<{ seen: unknown[]; loss: Loss | null }>((resolve) => {
    overEventStream<unknown>(
      { query: '{x}' },
      {
        opened: () => seen.push('open'),
        begun: () => seen.push('begun'),
        next: (data) => seen.push(data),
        ended: (loss) => resolve({ seen, loss }),
      },
    )
  })
}

describe('overEventStream', () => {
  afterEach(() => vi.restoreAllMocks())

  it('delivers data until the server completes', async () => {
    stream('event: next\ndata: {"data":{"n":1}}\n\nevent: complete\n\n')
    expect(await follow()).toEqual({ seen: ['open', 'begun', { n: 1 }], loss: null })
  })

  it('takes a stream that just ends for a lost one', async () => {
    stream('event: next\ndata: {"data":{"n":1}}\n\n')
    expect((await follow()).loss).toEqual({ kind: 'network' })
  })

  it('tells a refusal of the server from somebody in between', async () => {
    const errors = [{ message: 'no', extensions: { code: 'NOT_FOUND' } }]
    stream(`event: next\ndata: ${JSON.stringify({ errors })}\n\n`)
    expect((await follow()).loss).toEqual({ kind: 'refused', errors })
    stream('<html>proxy</html>', { status: 200, headers: { 'content-type': 'text/html' } })
    expect((await follow()).loss).toEqual({ kind: 'blocked' })
    for (const status of [429, 502, 503, 504]) {
      stream('<html>proxy</html>', { status, headers: { 'content-type': 'text/html' } })
      expect((await follow()).loss).toEqual({ kind: 'network' })
    }
    stream(JSON.stringify({ errors }), { status: 400, headers: { 'content-type': 'application/json' } })
    expect((await follow()).loss).toEqual({ kind: 'refused', errors })
  })

  it('takes a failed request for a lost network', async () => {
    vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('failed'))
    expect(await follow()).toEqual({ seen: [], loss: { kind: 'network' } })
  })
})
