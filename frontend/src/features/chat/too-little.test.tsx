import { render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import type { Refusal } from '@/lib/graphql/act'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { TestRouter } from '@/test-router'
import { TooLittle } from './too-little'

function show(owed: string) {
  const credits = {
    __typename: 'CreditBalance',
    balance: '0',
    held: '0',
    available: '0',
    owed,
    low: true,
    lowThreshold: null,
    lowNotice: 'OFF',
  }
  const { client } = testClient({
    Balance: () => ({ __typename: 'Query', viewer: { __typename: 'Viewer', id: 'own_1', credits }, creditPacks: [] }),
  })
  render(
    <TestApp client={client} info={accountInfo}>
      <TestRouter>
        <TooLittle refusal={{ code: 'INSUFFICIENT_CREDITS', needed: '0.5', available: '0' } as unknown as Refusal} />
      </TestRouter>
    </TestApp>,
  )
}

it('says how much is needed and how much there is', async () => {
  show('0')
  await screen.findByText(/0.5 credits have to be there to begin; you have 0/)
  expect(screen.queryByText(/debt/)).toBeNull()
})

it('says that a debt is to be paid first, and how large it is', async () => {
  show('100')
  await screen.findByText(/left a debt of 100 credits. Nothing can be spent until/)
  expect(screen.queryByText(/have to be there/)).toBeNull()
})
