import { render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { accountInfo, type Answers, TestApp, testClient } from '@/test-client'
import { SessionsPage } from './sessions-page'

const now = new Date().toISOString()
const session = (id: string, more: object = {}) => ({
  __typename: 'Session',
  id,
  current: false,
  method: 'GOOGLE',
  deviceType: 'desktop',
  os: 'Linux',
  browser: 'Chrome',
  browserVersion: 156,
  createdAt: now,
  lastSeenAt: now,
  ...more,
})

function show(sessions: object[], answers: Answers = {}) {
  const left = [...sessions]
  const { client, asked } = testClient({
    SettingsSessions: () => ({ __typename: 'Query', viewer: { __typename: 'Viewer', sessions: [...left] } }),
    ...answers,
  })
  render(
    <TestApp client={client} info={accountInfo}>
      <SessionsPage />
    </TestApp>,
  )
  return { asked, left }
}

it('P15: lists the devices, says which is this one, and puts another out after its question', async () => {
  const { asked, left } = show(
    [
      session('ses_1', { current: true }),
      session('ses_2', { os: 'iOS', browser: 'Safari', browserVersion: 18, deviceType: 'phone' }),
    ],
    {
      SettingsSessionRevoke: () => {
        left.pop()
        return { __typename: 'Mutation', sessionRevoke: { __typename: 'SessionRevokePayload', revokedId: 'ses_2', userErrors: [] } }
      },
    },
  )
  const rows = await screen.findAllByRole('listitem')
  expect(within(rows[0]!).getByText('This device')).toBeTruthy()
  expect(within(rows[0]!).queryByRole('button')).toBeNull()
  await userEvent.click(screen.getByRole('button', { name: 'Sign out Safari 18 on iOS, phone' }))
  await userEvent.click(screen.getByRole('button', { name: 'Sign out' }))
  await screen.findByText('No other device is signed in.')
  expect(asked.find(({ name }) => name === 'SettingsSessionRevoke')?.variables).toEqual({ input: { sessionId: 'ses_2' } })
})

it('P15: puts all others out at once', async () => {
  const { asked, left } = show([session('ses_1', { current: true }), session('ses_2'), session('ses_3')], {
    SettingsSessionRevokeOthers: () => {
      left.splice(1)
      return {
        __typename: 'Mutation',
        sessionRevokeOthers: { __typename: 'SessionRevokeOthersPayload', revoked: 2, userErrors: [] },
      }
    },
  })
  await userEvent.click(await screen.findByRole('button', { name: 'Sign out all other devices' }))
  await userEvent.click(screen.getByRole('button', { name: 'Sign out all other devices' }))
  await screen.findByText('No other device is signed in.')
  expect(asked.filter(({ name }) => name === 'SettingsSessionRevokeOthers')).toHaveLength(1)
})

it('says so when the list can’t be loaded', async () => {
  show([], { SettingsSessions: () => new Error('gone') })
  await screen.findByRole('button', { name: 'Try again' })
})
