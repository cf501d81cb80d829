import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { Packs } from './packs'

const pack = (id: string, name: string, decimal: string) => ({
  id,
  name,
  credits: '500',
  price: { currency: 'USD', decimal },
  taxIncluded: false,
  providers: ['STRIPE', 'CREEM'] as ('STRIPE' | 'CREEM')[],
})

const done = {
  __typename: 'Mutation',
  creditCheckoutCreate: {
    __typename: 'CreditCheckoutCreatePayload',
    checkout: { __typename: 'Checkout', id: 'pur_1', url: 'https://pay.example/1' },
    userErrors: [],
  },
}

const refusal = (code: string, message: string) => ({
  __typename: 'Mutation',
  creditCheckoutCreate: {
    __typename: 'CreditCheckoutCreatePayload',
    checkout: null,
    userErrors: [{ __typename: 'InputError', code, message, field: null }],
  },
})
const refused = refusal('PAYMENT_UNAVAILABLE', 'The provider can’t be reached.')

function show(answers: (object | Error)[]) {
  const { client, asked } = testClient({ Buy: () => answers.shift() })
  const leave = vi.fn()
  render(
    <TestApp client={client} info={accountInfo}>
      <Packs packs={[pack('a', 'Starter', '5.00'), pack('b', 'Plus', '50.00')]} onLeave={leave} />
    </TestApp>,
  )
  const keys = () => asked.map(({ variables }) => (variables.input as { clientId: string }).clientId)
  return { asked, leave, keys }
}

it('leaves for the provider’s page with the pack that was chosen', async () => {
  const { asked, leave } = show([done])
  await userEvent.click(screen.getByRole('radio', { name: /Plus/ }))
  await userEvent.click(screen.getByRole('button', { name: 'Pay $50.00 with Creem' }))
  await vi.waitFor(() => expect(leave).toHaveBeenCalledWith('https://pay.example/1'))
  expect(asked[0]?.variables).toMatchObject({ input: { packId: 'b', provider: 'CREEM' } })
})

it('repeats a click whose answer was lost under its key, and another pack under another', async () => {
  const { keys, leave } = show([new Error('cut'), refused, done])
  const pay = () => userEvent.click(screen.getByRole('button', { name: /with Stripe$/ }))
  await pay()
  await screen.findByText(/can’t be reached. Check/)
  await pay()
  await screen.findByText('The provider can’t be reached.')
  expect(leave).not.toHaveBeenCalled()
  await userEvent.click(screen.getByRole('radio', { name: /Plus/ }))
  await pay()
  await vi.waitFor(() => expect(leave).toHaveBeenCalled())
  const [first, second, third] = keys()
  expect(second).toBe(first)
  expect(third).not.toBe(first)
})

it('begins another checkout once the one of this click is over', async () => {
  const { keys, leave } = show([refused, refusal('CONFLICT', 'this checkout is over'), done])
  const pay = () => userEvent.click(screen.getByRole('button', { name: /with Stripe$/ }))
  await pay()
  await screen.findByText('The provider can’t be reached.')
  await pay()
  await screen.findByText(/This checkout is over/)
  await pay()
  await vi.waitFor(() => expect(leave).toHaveBeenCalled())
  const [first, second, third] = keys()
  expect(second).toBe(first)
  expect(third).not.toBe(first)
})
