import { describe, expect, it } from 'vitest'
import { booksStanding, factLines, newestComparisons, paymentsStanding } from './glance'
import type { MoneyState } from './use-money'

type Comparison = MoneyState['comparisons'][number]
const comparison = (more: Partial<Comparison>) =>
  ({ id: 'rec_1', provider: 'STRIPE', compared: 3, repaired: 0, differences: [], failure: '', ...more }) as Comparison
const check = (ok: boolean) => ({ id: 'chk_1', ok }) as MoneyState['checks'][number]

describe('how the money stands', () => {
  it('the newest check counts', () => {
    expect(booksStanding({ checks: [] })).toBe('unknown')
    expect(booksStanding({ checks: [check(true), check(false)] })).toBe('well')
    expect(booksStanding({ checks: [check(false), check(true)] })).toBe('wrong')
  })

  it('the newest comparison of each provider counts', () => {
    const comparisons = [
      comparison({ id: 'rec_3', provider: 'CREEM' }),
      comparison({ id: 'rec_2' }),
      comparison({ id: 'rec_1', failure: 'the provider can’t be reached' }),
    ]
    expect(newestComparisons({ comparisons, providers: ['STRIPE'] }).map(({ id }) => id)).toEqual(['rec_2', 'rec_3'])
    expect(paymentsStanding({ comparisons, providers: ['STRIPE'] })).toBe('well')
    expect(paymentsStanding({ comparisons: [], providers: ['STRIPE'] })).toBe('unknown')
  })

  it.each([
    [{ failure: 'down' }, 'wrong'],
    [{ differences: ['a', 'b'], repaired: 1 }, 'wrong'],
    [{ differences: ['a'], repaired: 1 }, 'look'],
    [{}, 'well'],
  ] as const)('%j: %s', (more, standing) => {
    const comparisons = [comparison({ ...more, differences: 'differences' in more ? [...more.differences] : [] })]
    expect(paymentsStanding({ comparisons, providers: [] })).toBe(standing)
  })
})

describe('the facts of a payment', () => {
  it('expected and found stand beside each other', () => {
    expect(factLines('{"expected":{"amount":1000,"currency":"USD"},"found":{"amount":900}}')).toEqual([
      { name: 'amount', expected: '1000', found: '900' },
      { name: 'currency', expected: 'USD', found: '' },
    ])
  })

  it.each(['', 'x', '[]', '{"expected":1}', '{"expected":{},"found":{},"note":"more"}'])('%j has another shape', (json) => {
    expect(factLines(json)).toBeNull()
  })
})
