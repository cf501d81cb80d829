import { describe, expect, it } from 'vitest'
import { type Act, costLines, lessBecause } from './act'

const act = (more: Partial<Act>): Act => ({
  id: 'use_1',
  feature: 'CHAT',
  modelId: 'k2',
  status: 'COMPLETE',
  promptTokens: 1000,
  cachedTokens: 400,
  outputTokens: 500,
  reasoningTokens: 100,
  estimated: false,
  credits: '0.198',
  createdAt: '2026-05-01T00:00:00Z',
  price: { input: '60', cachedInput: '5', output: '320' },
  ...more,
})

describe('what an answer cost', () => {
  it('is tokens times price, by kind', () => {
    expect(costLines(act({}))).toEqual([
      { kind: 'read', tokens: 600, price: '60', credits: 0.036 },
      { kind: 'cached', tokens: 400, price: '5', credits: 0.002 },
      { kind: 'written', tokens: 500, price: '320', credits: 0.16 },
    ])
    expect(costLines(act({ cachedTokens: 0 })).map(({ kind }) => kind)).toEqual(['read', 'written'])
  })

  it('is all of it, or less for a reason', () => {
    expect(lessBecause(act({}))).toBeNull()
    expect(lessBecause(act({ credits: '0.1' }))).toBe('held')
    expect(lessBecause(act({ outputTokens: 0, credits: '0' }))).toBe('nothing-written')
    expect(lessBecause(act({ promptTokens: 1, cachedTokens: 0, outputTokens: 1, credits: '0.00038' }))).toBeNull()
  })

  it('was rounded up to a millionth', () => {
    const one = act({ promptTokens: 1, cachedTokens: 0, outputTokens: 0, price: { input: '0.5', cachedInput: '0', output: '0' } })
    expect(lessBecause({ ...one, credits: '0.000001' })).toBeNull()
    expect(lessBecause({ ...one, credits: '0' })).toBe('nothing-written')
  })
})
