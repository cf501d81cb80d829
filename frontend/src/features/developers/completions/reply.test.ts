import { describe, expect, it } from 'vitest'
import { leftOf, noReply, taken } from './reply'

const usage = {
  prompt_tokens: 10,
  completion_tokens: 7,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 2 },
}

describe('an answer of /v1/chat/completions', () => {
  it('is put together from the events of a stream', () => {
    const events = [
      { choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }] },
      { choices: [{ delta: { reasoning_content: 'Let me see.' }, finish_reason: null }] },
      { choices: [{ delta: { content: 'Hello' }, finish_reason: null }] },
      { choices: [{ delta: { content: ' there' }, finish_reason: null }] },
      { choices: [{ delta: {}, finish_reason: 'stop' }] },
      { choices: [], usage },
    ]
    const reply = [...events.map((event) => JSON.stringify(event)), '[DONE]', 'nonsense', 'null'].reduce(taken, noReply)
    expect(reply).toEqual({
      text: 'Hello there',
      reasoning: 'Let me see.',
      calls: [],
      finish: 'stop',
      usage: { prompt: 10, cached: 4, written: 7, reasoning: 2 },
      error: null,
    })
  })

  it('is read whole', () => {
    const whole = { choices: [{ message: { role: 'assistant', content: 'Hello' }, finish_reason: 'length' }], usage }
    expect(taken(noReply, JSON.stringify(whole))).toMatchObject({ text: 'Hello', finish: 'length', usage: { written: 7 } })
  })

  it('may be calls of tools, in pieces', () => {
    const piece = (call: object) => JSON.stringify({ choices: [{ delta: { tool_calls: [call] }, finish_reason: null }] })
    const events = [
      piece({ index: 0, function: { name: 'weather', arguments: '{"city"' } }),
      piece({ index: 0, function: { arguments: ':"Rome"}' } }),
    ]
    expect(events.reduce(taken, noReply).calls).toEqual([{ name: 'weather', arguments: '{"city":"Rome"}' }])
  })

  it('says why it broke, and keeps what came', () => {
    const before = taken(noReply, JSON.stringify({ choices: [{ delta: { content: 'Half' } }] }))
    expect(taken(before, '{"error":{"message":"the engine failed"}}')).toMatchObject({ text: 'Half', error: 'the engine failed' })
  })
})

it('P75: what is left of each limit is read from the headers', () => {
  expect(
    leftOf([
      ['x-ratelimit-limit-requests', '600'],
      ['x-ratelimit-remaining-requests', '599'],
      ['x-ratelimit-limit-tokens', '1000000'],
    ]),
  ).toEqual([{ name: 'requests', remaining: '599', of: '600' }])
})
