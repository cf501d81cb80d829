import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { accountInfo, type Answers, TestApp, testClient } from '@/test-client'
import { Outbox } from './outbox'

const mail = (id: string, more: object = {}) => ({
  __typename: 'Mail',
  id,
  kind: 'EMAIL_CONFIRM',
  to: 'ada@example.org',
  subject: 'Confirm your address',
  text: 'Open https://example.org/auth/email?token=x',
  status: 'KEPT',
  attempts: 0,
  lastError: '',
  createdAt: '2026-05-03T10:00:00.000000Z',
  nextAt: null,
  ...more,
})

const page = (mails: { id: string }[], more: object = {}) => ({
  __typename: 'Query',
  operator: {
    __typename: 'Operator',
    mailServer: false,
    mails: {
      __typename: 'MailConnection',
      edges: mails.map((node) => ({ __typename: 'MailEdge', cursor: node.id, node })),
      pageInfo: { __typename: 'PageInfo', hasNextPage: false, endCursor: null, ...more },
    },
  },
})

function show(answers: Answers) {
  const { client, asked } = testClient(answers)
  render(
    <TestApp client={client} info={accountInfo}>
      <Outbox />
    </TestApp>,
  )
  return asked
}

it('without a mail server a mail can be read here', async () => {
  show({ OperatorMails: () => page([mail('mai_1')]) })
  await screen.findByText(/No mail server is set/)
  const row = await screen.findByRole('button', { name: /Confirm your address/ })
  expect(screen.queryByText(/Open https/)).toBeNull()
  await userEvent.click(row)
  await screen.findByText(/Open https:\/\/example.org\/auth\/email\?token=x/)
})

it('a mail that failed can be tried again', async () => {
  const failed = mail('mai_1', { status: 'FAILED', attempts: 3, lastError: '550 mailbox' })
  let now: object = failed
  const asked = show({
    OperatorMails: () => page([now as { id: string }]),
    OperatorMailRetry: () => {
      now = { ...failed, status: 'QUEUED', lastError: '' }
      return { __typename: 'Mutation', mailRetry: { __typename: 'MailRetryPayload', mail: now, userErrors: [] } }
    },
  })
  await screen.findByText('550 mailbox')
  await userEvent.click(screen.getByRole('button', { name: 'Try Confirm your address again' }))
  await screen.findByText('waiting')
  expect(asked.find(({ name }) => name === 'OperatorMailRetry')?.variables).toEqual({ input: { mailId: 'mai_1' } })
})

it('older mails are asked for by their place', async () => {
  show({
    OperatorMails: ({ after }) =>
      after
        ? page([mail('mai_1', { subject: 'The older one' })])
        : page([mail('mai_2')], { hasNextPage: true, endCursor: 'mai_2' }),
  })
  await userEvent.click(await screen.findByRole('button', { name: 'Show older mails' }))
  await screen.findByText('The older one')
  await screen.findByText('Confirm your address')
})

it('says so when there are none, and when they can’t be loaded', async () => {
  show({ OperatorMails: () => page([]) })
  await screen.findByText(/No mail has been written yet/)
  show({ OperatorMails: () => new Error('gone') })
  await screen.findByText('The mails can’t be loaded now.')
})
