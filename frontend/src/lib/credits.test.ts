import { describe, expect, it } from 'vitest'
import { amountOf, creditsText, exactCredits, microOf, sumOf } from './credits'

describe('amounts', () => {
  it.each([
    ['0', 0n],
    ['1.5', 1_500_000n],
    ['-0.000001', -1n],
    ['9223372036854.775807', 9_223_372_036_854_775_807n],
  ])('%s is read and written exactly', (text, micro) => {
    expect(microOf(text)).toBe(micro)
    expect(amountOf(micro)).toBe(text)
  })

  it.each(['', 'x', '1.', '.5', '1.0000001', '1e3', '--1', ' 1'])('%j is no amount', (text) => {
    expect(microOf(text)).toBeNull()
  })

  it('sums don’t round', () => {
    expect(sumOf(['0.1', '0.2'])).toBe('0.3')
    expect(sumOf([])).toBe('0')
    expect(sumOf(['9000000000000', '0.000001'])).toBe('9000000000000.000001')
  })

  it('something is never shown as nothing', () => {
    expect(creditsText('0.000001')).toBe('0.000001')
    expect(creditsText('0.0041239')).toBe('0.00412')
    expect(creditsText('0')).toBe('0')
    expect(creditsText('-0.5')).toBe('-0.5')
    expect(creditsText('1234.5678')).toBe('1,234.57')
  })

  it('an exact amount keeps its last digit', () => {
    expect(exactCredits('9007199254740993.000001')).toBe('9,007,199,254,740,993.000001')
    expect(exactCredits('-2')).toBe('−2')
  })
})
