import { render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { accountInfo, type Answers, TestApp, testClient } from '@/test-client'
import { Money } from './money'

const at = '2026-05-03T10:00:00.000000Z'

const payment = (n: number, resolvedAt: string | null = null) => ({
  __typename: 'QuarantinedPayment',
  id: `qua_${n}`,
  provider: 'STRIPE',
  eventId: `evt_${n}`,
  purchaseId: `pur_${n}`,
  reason: 'AMOUNT',
  facts: '{"expected":{"amountMinor":100},"found":{"amountMinor":99}}',
  createdAt: at,
  resolvedAt,
  resolution: resolvedAt ? 'DISMISSED' : '',
})

const comparison = (n: number) => ({
  __typename: 'Reconciliation',
  id: `rec_${n}`,
  provider: 'STRIPE',
  since: at,
  compared: n,
  repaired: 0,
  differences: [],
  failure: '',
  startedAt: at,
  finishedAt: at,
})

const check = (n: number, ok = true) => ({
  __typename: 'LedgerCheck',
  id: `chk_${n}`,
  ok,
  startedAt: at,
  finishedAt: at,
  findings: [],
})

const odd = (n: number) => ({
  __typename: 'AbsurdUsage',
  reported: '{}',
  usage: {
    __typename: 'UsageRow',
    id: `use_${n}`,
    modelId: 'm',
    feature: 'CHAT',
    promptTokens: 1,
    cachedTokens: 0,
    outputTokens: 1,
    reasoningTokens: 0,
    credits: '0.1',
    createdAt: at,
  },
})

/** A list of the operator in two pages. */
const inTwo =
  (field: string, type: string, one: object[], two: object[]) =>
  ({ after }: Record<string, unknown>) => {
    const nodes = after ? two : one
    return {
      __typename: 'Query',
      operator: {
        __typename: 'Operator',
        [field]: {
          __typename: `${type}Connection`,
          edges: nodes.map((node, n) => ({ __typename: `${type}Edge`, cursor: `${after ? 2 : 1}${n}`, node })),
          pageInfo: { __typename: 'PageInfo', hasNextPage: !after && two.length > 0, endCursor: 'end' },
        },
      },
    }
  }

function show(answers: Answers) {
  const { client, asked } = testClient({
    OperatorMoney: () => ({
      __typename: 'Query',
      operator: {
        __typename: 'Operator',
        paymentProviders: ['STRIPE'],
        quarantineWaiting: 120,
        oddUsageWaiting: 130,
        estimateErrors: [],
      },
    }),
    OperatorBookChecks: inTwo('bookChecks', 'LedgerCheck', [], []),
    OperatorQuarantine: inTwo('quarantine', 'QuarantinedPayment', [], []),
    OperatorComparisons: inTwo('comparisons', 'Reconciliation', [], []),
    OperatorOddUsage: inTwo('oddUsage', 'AbsurdUsage', [], []),
    OperatorIdentities: () => ({ __typename: 'Query', viewer: { __typename: 'Viewer', id: 'own_1', account: null } }),
    ...answers,
  })
  render(
    <TestApp client={client} info={accountInfo}>
      <Money error={null} />
    </TestApp>,
  )
  return asked
}

it('says how many wait in all, however many are loaded', async () => {
  show({})
  await screen.findByText('120 wait for you')
  await screen.findByText('130 requests to look at')
})

it('payments in quarantine are reached page by page, waiting ones first', async () => {
  show({ OperatorQuarantine: inTwo('quarantine', 'QuarantinedPayment', [payment(4), payment(3)], [payment(2), payment(1, at)]) })
  const waiting = within(await screen.findByRole('list', { name: 'Waiting payments' }))
  expect(waiting.getAllByRole('listitem')).toHaveLength(2)
  await userEvent.click(screen.getByRole('button', { name: 'Show more' }))
  await waiting.findByText('evt_2')
  expect(waiting.queryByText('evt_1')).toBeNull()
  expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull()
  await userEvent.click(screen.getByRole('button', { name: 'Show decided payments' }))
  within(screen.getByRole('list', { name: 'Decided payments' })).getByText('evt_1')
})

it('checks of the books lead on to earlier ones', async () => {
  show({ OperatorBookChecks: inTwo('bookChecks', 'LedgerCheck', [check(4), check(3)], [check(2), check(1, false)]) })
  await screen.findByText('The last 2 checks found nothing.')
  await userEvent.click(screen.getByRole('button', { name: 'Show earlier checks' }))
  await screen.findByText('1 check of the last 4 found something.')
  expect(screen.queryByRole('button', { name: 'Show earlier checks' })).toBeNull()
})

it('one credit is told as one', async () => {
  show({
    OperatorOddUsage: inTwo('oddUsage', 'AbsurdUsage', [{ ...odd(1), usage: { ...odd(1).usage, credits: '1' } }], []),
  })
  await screen.findByText((_, element) => element?.textContent === 'Charged: 1 read, 1 written, 1 credit')
  await userEvent.type(screen.getByLabelText('Account'), 'own_1')
  await userEvent.type(screen.getByLabelText('Credits'), '1')
  await userEvent.type(screen.getByLabelText('Reason'), 'a gift')
  await userEvent.click(screen.getByRole('button', { name: 'Review' }))
  await screen.findByText((_, element) => element?.textContent === 'own_1 gets 1 credit.')
})

it('decided payments lead on to earlier ones', async () => {
  show({ OperatorQuarantine: inTwo('quarantine', 'QuarantinedPayment', [payment(4), payment(3, at)], [payment(2, at)]) })
  await userEvent.click(await screen.findByRole('button', { name: 'Show decided payments' }))
  await userEvent.click(screen.getByRole('button', { name: 'Show more' }))
  await within(screen.getByRole('list', { name: 'Decided payments' })).findByText('evt_2')
})

it('comparisons lead on to those of the next page', async () => {
  const numbers = Array.from({ length: 8 }, (_, n) => n)
  show({
    OperatorComparisons: inTwo('comparisons', 'Reconciliation', numbers.map(comparison), [comparison(42)]),
  })
  const list = within(await screen.findByRole('list', { name: 'Comparisons' }))
  expect(list.getAllByRole('listitem')).toHaveLength(6)
  await userEvent.click(screen.getByRole('button', { name: 'Show earlier comparisons' }))
  expect(list.getAllByRole('listitem')).toHaveLength(8)
  await userEvent.click(screen.getByRole('button', { name: 'Show earlier comparisons' }))
  await list.findByText(/42 payments/)
  expect(screen.queryByRole('button', { name: 'Show earlier comparisons' })).toBeNull()
})

it('what was looked at is gone from a later page too', async () => {
  show({
    OperatorOddUsage: inTwo('oddUsage', 'AbsurdUsage', [odd(3)], [odd(2), odd(1)]),
    OperatorUsageReview: () => ({
      __typename: 'Mutation',
      usageReview: { __typename: 'UsageReviewPayload', reviewed: true, userErrors: [] },
    }),
  })
  await userEvent.click(await screen.findByRole('button', { name: 'Show more' }))
  await userEvent.click(await screen.findByRole('button', { name: 'Mark use_2 as reviewed' }))
  const left = within(screen.getByRole('list', { name: 'Requests to look at' }))
  await left.findByText('use_1')
  expect(left.queryByText('use_2')).toBeNull()
  expect(left.getAllByRole('listitem')).toHaveLength(2)
})
