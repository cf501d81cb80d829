import { describe, expect, it } from 'vitest'
import { bodyOf, freshDraft, temperatureOf, tokensOf } from './request'

describe('the body of a request', () => {
  it('has what was filled in and nothing else', () => {
    expect(bodyOf({ ...freshDraft, message: 'Hi', stream: false }, 'k2')).toEqual({
      model: 'k2',
      messages: [{ role: 'user', content: 'Hi' }],
    })
    const draft = { ...freshDraft, system: 'Be brief.', message: 'Hi', temperature: '0,5', maxTokens: '64' }
    expect(bodyOf(draft, 'k2')).toEqual({
      model: 'k2',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
      temperature: 0.5,
      max_completion_tokens: 64,
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  it('is none while something can’t be', () => {
    for (const change of [{ message: ' ' }, { temperature: '3' }, { temperature: 'hot' }, { maxTokens: '0' }, { maxTokens: '1.5' }])
      expect(bodyOf({ ...freshDraft, ...change }, 'k2')).toBe(null)
    expect(bodyOf(freshDraft, '')).toBe(null)
  })
})

it('numbers are read as people type them', () => {
  expect(['', '1', '0.25', '0,7', '2', '2.1', '-1', 'x'].map(temperatureOf)).toEqual([
    null,
    1,
    0.25,
    0.7,
    2,
    undefined,
    undefined,
    undefined,
  ])
  expect(['', ' 12 ', '0', '1e3', '12345678901'].map(tokensOf)).toEqual([null, 12, undefined, undefined, undefined])
})
