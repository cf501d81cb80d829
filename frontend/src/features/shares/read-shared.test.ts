import { expect, it, vi } from 'vitest'
import { openShared, readShared } from './read-shared'

const whole = {
  service: 'Our chat',
  title: 'boats',
  by: 'Ada',
  sharedAt: '2026-05-03T10:00:00Z',
  expiresAt: null,
  messages: [
    { role: 'USER', text: 'hello', reasoning: '', reasoningMs: 0, modelId: '' },
    { role: 'ASSISTANT', text: 'hi', reasoning: 'a thought', reasoningMs: 1500, modelId: 'kimi-k2' },
  ],
}

it('reads what a link shows, and leaves out what holds nothing', () => {
  expect(readShared(whole)).toEqual(whole)
  const failed = { role: 'ASSISTANT', text: '', reasoning: '' }
  expect(readShared({ ...whole, messages: [...whole.messages, failed, 'x', null] })?.messages).toEqual(whole.messages)
  for (const other of [null, 'x', [], {}, { title: 'x' }, { ...whole, messages: {} }, { ...whole, title: 1 }]) {
    expect(readShared(other)).toBeNull()
  }
})

it('P96: opens a link without telling who asks, and knows what became of it', async () => {
  const answers = vi.spyOn(globalThis, 'fetch')
  const answer = (status: number, body: unknown) => answers.mockResolvedValueOnce(Response.json(body, { status }))
  const kinds = []
  answer(200, whole)
  for (const status of [410, 404, 429, 500]) answer(status, {})
  answer(200, 'something else')
  answers.mockRejectedValueOnce(new TypeError('no network'))
  for (let n = 0; n < 7; n++) kinds.push((await openShared('a/b')).kind)
  expect(kinds).toEqual(['open', 'gone', 'unknown', 'busy', 'unreachable', 'unreachable', 'unreachable'])
  expect(answers.mock.calls[0]).toEqual(['/s/a%2Fb/snapshot', { credentials: 'omit', cache: 'no-store' }])
})
