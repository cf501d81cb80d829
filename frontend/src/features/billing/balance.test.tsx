import { render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { TestRouter } from '@/test-router'
import { Balance } from './balance'
import { BalanceChip } from './balance-chip'

const wallet = {
  __typename: 'CreditBalance',
  balance: '1234.500001',
  held: '0',
  available: '1234.500001',
  owed: '0',
  low: false,
  lowThreshold: '50',
  lowNotice: true,
}

function show(more: Partial<typeof wallet>, canBuy = true) {
  render(
    <TestApp client={testClient({}).client} info={accountInfo}>
      <Balance credits={{ ...wallet, ...more }} canBuy={canBuy} />
    </TestApp>,
  )
  return screen.getAllByRole('status').map((one) => one.textContent)
}

it('tells what can be spent, and nothing else while there is enough', () => {
  expect(show({})).toEqual(['1,234.5 credits'])
  expect(screen.getByTitle('1,234.500001')).toBeTruthy()
})

it('tells what is set aside', () => {
  show({ held: '0.0123', available: '1234.487701' })
  expect(screen.getByTitle('1,234.487701').textContent).toBe('1,234.49 credits')
  expect(screen.getByText(/^0.0123 more are set aside/)).toBeTruthy()
})

it('tells that the balance is low, below which threshold, and what to do', () => {
  expect(show({ available: '12.25', low: true })).toEqual([
    '12.25 credits',
    'Your balance is below 50 credits. Buy more below before an answer is refused.',
  ])
})

it('tells who can give more where nothing is sold', () => {
  expect(show({ available: '0.4', low: true, lowThreshold: '0.5' }, false)[1]).toBe(
    'Your balance is below 0.5 credits. Ask the operator of this installation for more.',
  )
})

it('tells what is owed to its last digit, and then not that the balance is low', () => {
  const told = show({ balance: '-3.000001', available: '0', owed: '3.000001', low: true })
  expect(told).toHaveLength(2)
  expect(told[1]).toMatch(/^3.000001 credits are owed: .* Nothing can be sent until that is settled/)
})

it('one credit is told as one', () => {
  const told = show({ balance: '-1', available: '0', held: '1', owed: '1' })
  expect(screen.getByText(/^1 more is set aside/)).toBeTruthy()
  expect(told[1]).toMatch(/^1 credit is owed: /)
})

async function chip(more: Partial<typeof wallet>, packs: object[] = []) {
  const { client } = testClient({
    Balance: () => ({
      __typename: 'Query',
      viewer: { __typename: 'Viewer', id: 'own_1', credits: { ...wallet, ...more } },
      creditPacks: packs,
    }),
  })
  render(
    <TestApp client={client} info={accountInfo}>
      <TestRouter>
        <BalanceChip />
      </TestRouter>
    </TestApp>,
  )
  return screen.findByRole('link')
}

it.each([
  [{}, 'Balance: 1,234.5 credits', '1,234.5'],
  [{ available: '1' }, 'Balance: 1 credit', '1'],
  [{ available: '12.25', low: true }, 'Balance: 12.25 credits, low', '12.25low'],
  [{ available: '0', owed: '3' }, 'Balance: 0 credits, low', '0low'],
])('the header has %o as “%s”', async (more, name, text) => {
  const link = await chip(more)
  expect(link.getAttribute('aria-label')).toBe(name)
  expect(link.textContent).toBe(text)
  // No width leaves the colour to say it alone.
  expect(link.querySelector('[class*="sr-only"]')).toBeNull()
})
