import { describe, expect, it } from 'vitest'
import { branchTotal, contextOf, costsOf } from './arithmetic'

const message = (id: string, credits: string | null, tokens: [number, number, number] | null) => ({
  id,
  credits,
  droppedMessages: 0,
  usage: tokens && {
    promptTokens: tokens[0],
    cachedTokens: 0,
    outputTokens: tokens[1],
    reasoningTokens: tokens[2],
    estimated: false,
  },
})

describe('a branch', () => {
  it('fills the context by what the last answer read and wrote', () => {
    expect(contextOf([])).toBeNull()
    expect(contextOf([message('a', '1', [100, 50, 0]), message('b', '1', [200, 90, 40]), message('c', null, null)])).toBe(250)
  })

  it('costs what its answers cost, each once', () => {
    const loaded = costsOf([message('q', null, null), message('b', '0.2', null), message('c', '0', null)])
    const older = new Map([
      ['a', '0.1'],
      ['b', '0.2'],
    ])
    expect(branchTotal(older, loaded)).toEqual({ credits: '0.3', answers: 3 })
    expect(branchTotal()).toEqual({ credits: '0', answers: 0 })
  })
})
