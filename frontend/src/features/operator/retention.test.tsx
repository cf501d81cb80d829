import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { accountInfo, type Answers, TestApp, testClient } from '@/test-client'
import { Retention } from './retention'

const hold = {
  __typename: 'RetentionHolding',
  kind: 'MANY',
  since: '2026-05-03T10:00:00.000000Z',
  due: 5120,
  usual: 1000,
  until: '2026-05-04T10:00:00.000000Z',
  confirmable: true,
  confirmedAt: null as string | null,
}

const rule = (table: string, more: object = {}) => ({
  __typename: 'RetentionRule',
  table,
  keptSeconds: 30 * 86_400,
  idleSeconds: null,
  oldestAt: '2026-04-20T10:00:00.000000Z',
  sweptAt: '2026-05-03T10:00:00.000000Z',
  removed: 0,
  removedAt: null,
  overdue: false,
  hold: null,
  upcoming: [],
  ...more,
})

const page = (...rules: object[]) => ({ __typename: 'Query', operator: { __typename: 'Operator', retention: rules } })

function show(answers: Answers) {
  const { client, asked } = testClient({
    OperatorIdentities: () => ({ __typename: 'Query', viewer: { __typename: 'Viewer', account: null } }),
    ...answers,
  })
  render(
    <TestApp client={client} info={accountInfo}>
      <Retention />
    </TestApp>,
  )
  return asked
}

it('says when everything that is over is gone', async () => {
  show({ OperatorRetention: () => page(rule('mails'), rule('sessions', { idleSeconds: 7 * 86_400 })) })
  await screen.findByText('Everything that is over is gone.')
  screen.getByText('Kept for 30 days, 7 days without use')
  expect(screen.queryByText('held')).toBeNull()
})

it('tells of what is overdue before what is held', async () => {
  show({ OperatorRetention: () => page(rule('mails', { overdue: true }), rule('sessions', { hold })) })
  await screen.findByText('1 rule is overdue')
})

it('what is held goes on when it is confirmed', async () => {
  let now = hold
  const asked = show({
    OperatorRetention: () => page(rule('mails', { hold: now })),
    OperatorRetentionConfirm: () => {
      now = { ...hold, confirmable: false, confirmedAt: '2026-05-03T11:00:00.000000Z' }
      return {
        __typename: 'Mutation',
        retentionConfirm: {
          __typename: 'RetentionConfirmPayload',
          rule: { __typename: 'RetentionRule', table: 'mails', hold: now },
          userErrors: [],
        },
      }
    },
  })
  await screen.findByText('1 rule is held')
  screen.getByText(/5,120 rows would go, where 1,000 at most are usual/)
  await userEvent.click(screen.getByRole('button', { name: /^Confirm: Mails/ }))
  screen.getByText('All of it is deleted for good with the next sweep.')
  await userEvent.click(screen.getByRole('button', { name: 'Confirm …' }))
  await screen.findByText(/You have confirmed it/)
  expect(asked.filter(({ name }) => name === 'OperatorRetentionConfirm').map(({ variables }) => variables)).toEqual([
    { input: { table: 'mails' } },
  ])
})
