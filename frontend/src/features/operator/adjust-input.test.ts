import { describe, expect, it } from 'vitest'
import { adjustFaults, adjustInput, typedAmount } from './adjust-input'

const fields = { account: ' ada@example.org ', direction: 'take', amount: '12.50', reason: ' paid twice ' } as const

describe('what is given or taken', () => {
  it.each([
    ['100', '100'],
    [' 1 000.5 ', '1000.5'],
    ['0,5', '0.5'],
    ['1,50', '1.5'],
    ['1,000', null],
    ['0', null],
    ['-5', null],
    ['1.0000001', null],
    ['ten', null],
    ['', null],
  ])('%j is %j', (typed, amount) => {
    expect(typedAmount(typed)).toBe(amount)
  })

  it('is sent with its sign', () => {
    expect(adjustInput(fields, 'id')).toEqual({ clientId: 'id', account: 'ada@example.org', amount: '-12.5', reason: 'paid twice' })
    expect(adjustInput({ ...fields, direction: 'give' }, 'id').amount).toBe('12.5')
  })

  it('nothing is sent with a field that is wrong', () => {
    expect(adjustFaults(fields)).toEqual([])
    expect(adjustFaults({ account: ' ', direction: 'give', amount: 'x', reason: ' ' })).toEqual(['account', 'amount', 'reason'])
    expect(adjustFaults({ ...fields, reason: 'x'.repeat(501) })).toEqual(['reason'])
    expect(adjustFaults({ ...fields, reason: '😀'.repeat(500) })).toEqual([])
  })
})
