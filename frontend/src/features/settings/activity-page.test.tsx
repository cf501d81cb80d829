import { render, screen, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { ActivityPage } from './activity-page'

const act = (id: string, at: Date, more: object = {}) => ({
  __typename: 'AccessLogEntry',
  id,
  at: at.toISOString(),
  act: 'SESSION_BEGUN',
  actor: 'OWNER',
  actorKey: null,
  session: null,
  key: null,
  provider: null,
  consent: null,
  policyVersion: null,
  credits: null,
  ...more,
})

function show(acts: object[]) {
  const { client } = testClient({
    SettingsActivity: () => ({
      __typename: 'Query',
      viewer: {
        __typename: 'Viewer',
        accessLog: {
          __typename: 'AccessLogConnection',
          edges: acts.map((node, n) => ({ __typename: 'AccessLogEdge', cursor: `c${n}`, node })),
          pageInfo: { __typename: 'PageInfo', hasNextPage: false, endCursor: null },
        },
      },
    }),
  })
  render(
    <TestApp client={client} info={accountInfo}>
      <ActivityPage />
    </TestApp>,
  )
}

it('P84: says by day what was done, with what and by whom', async () => {
  const key = { __typename: 'ApiKey', id: 'key_1', name: 'laptop', lastFour: 'abcd' }
  const device = { deviceType: 'desktop', os: 'Linux', browser: 'Chrome', browserVersion: 156 }
  show([
    act('aud_4', new Date(2026, 4, 3, 9), { act: 'KEY_REVOKED', actor: 'API_KEY', key, actorKey: key }),
    act('aud_3', new Date(2026, 4, 3, 8), { act: 'CREDITS_ADJUSTED', actor: 'OPERATOR', credits: '5' }),
    act('aud_2', new Date(2026, 4, 2, 8), { act: 'SESSION_ENDED', actor: 'SYSTEM' }),
    act('aud_1', new Date(2026, 4, 2, 7), { provider: 'GITHUB', session: { __typename: 'Session', id: 'ses_1', ...device } }),
  ])
  const rows = await screen.findAllByRole('listitem')
  expect(rows).toHaveLength(4)
  expect(within(rows[0]!).getByText('A program with the key laptop')).toBeTruthy()
  expect(within(rows[0]!).getByText(/laptop …abcd/)).toBeTruthy()
  expect(within(rows[1]!).getByText('The operator')).toBeTruthy()
  expect(within(rows[2]!).getByText('The system')).toBeTruthy()
  expect(within(rows[3]!).getByText('You, Chrome 156 on Linux, desktop')).toBeTruthy()
  expect(within(rows[3]!).getByText(/GitHub/)).toBeTruthy()
  expect(screen.getAllByRole('heading', { level: 3 })).toHaveLength(2)
})

it('says that nothing has happened', async () => {
  show([])
  await screen.findByText('Nothing has happened yet.')
})
