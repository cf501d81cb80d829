import { describe, expect, it } from 'vitest'
import { booksStanding, factLines, newestComparisons, paymentsStanding } from './glance'
import type { MoneyState } from './use-money'

type Comparison = MoneyState['comparisons'][number]
const comparison = (more: Partial<Comparison>) =>
  ({
    id: 'rec_1',
    provider: 'STRIPE',
    finishedAt: '2026-12-01T10:00:00Z',
    compared: 3,
    repaired: 0,
    differences: [],
    failure: '',
    ...more,
  }) as Comparison
const now = new Date('2026-12-01T10:20:00Z')
const later = new Date('2026-12-01T12:20:00Z')
const check = (ok: boolean) => ({ id: 'chk_1', ok, finishedAt: '2026-12-01T10:00:00Z' }) as MoneyState['checks'][number]

describe('how the money stands', () => {
  it('the newest check counts', () => {
    expect(booksStanding({ checks: [] }, now)).toBe('unknown')
    expect(booksStanding({ checks: [check(true), check(false)] }, now)).toBe('well')
    expect(booksStanding({ checks: [check(false), check(true)] }, now)).toBe('wrong')
  })

  it('the newest comparison of each provider counts', () => {
    const comparisons = [
      comparison({ id: 'rec_3', provider: 'CREEM' }),
      comparison({ id: 'rec_2' }),
      comparison({ id: 'rec_1', failure: 'the provider can’t be reached' }),
    ]
    expect(newestComparisons({ comparisons, providers: ['STRIPE'] }).map(({ id }) => id)).toEqual(['rec_2', 'rec_3'])
    expect(paymentsStanding({ comparisons, providers: ['STRIPE'] }, now)).toBe('well')
    expect(paymentsStanding({ comparisons: [], providers: ['STRIPE'] }, now)).toBe('unknown')
  })

  it.each([
    [{ failure: 'down' }, 'wrong'],
    [{ differences: ['a', 'b'], repaired: 1 }, 'wrong'],
    [{ differences: ['a'], repaired: 1 }, 'look'],
    [{}, 'well'],
  ] as const)('%j: %s', (more, standing) => {
    const comparisons = [comparison({ ...more, differences: 'differences' in more ? [...more.differences] : [] })]
    expect(paymentsStanding({ comparisons, providers: [] }, now)).toBe(standing)
  })

  it('what was found long ago says little of now, unless it was wrong', () => {
    expect(booksStanding({ checks: [check(true)] }, later)).toBe('old')
    expect(booksStanding({ checks: [check(false)] }, later)).toBe('wrong')
    expect(paymentsStanding({ comparisons: [comparison({})], providers: ['STRIPE'] }, later)).toBe('old')
    expect(paymentsStanding({ comparisons: [comparison({ failure: 'down' })], providers: ['STRIPE'] }, later)).toBe('wrong')
    expect(paymentsStanding({ comparisons: [comparison({})], providers: [] }, later)).toBe('well')
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
