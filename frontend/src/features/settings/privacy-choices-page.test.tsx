import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import type { ServiceInfo } from '@/lib/service-info'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { PrivacyChoicesPage } from './privacy-choices-page'

const time = '2026-05-03T10:00:00.000000Z'

function show(info: ServiceInfo = accountInfo) {
  const consents: object[] = [
    { __typename: 'Consent', kind: 'EXTERNAL_INFERENCE', granted: true, policyVersion: '2025-01-01.1', createdAt: time },
  ]
  const { client, asked } = testClient({
    SettingsPrivacy: () => ({
      __typename: 'Query',
      viewer: {
        __typename: 'Viewer',
        consents: [...consents],
        policyAcceptances: [{ __typename: 'PolicyAcceptance', version: '2025-01-01.1', method: 'COMPOSER', acceptedAt: time }],
      },
    }),
    ConsentSet: ({ input }) => {
      const consent = { __typename: 'Consent', ...(input as object), policyVersion: '2025-01-01.1', createdAt: time }
      consents.unshift(consent)
      return { __typename: 'Mutation', consentSet: { __typename: 'ConsentSetPayload', consent, userErrors: [] } }
    },
  })
  render(
    <TestApp client={client} info={info}>
      <PrivacyChoicesPage />
    </TestApp>,
  )
  return asked
}

const turn = (name: string) => screen.findByRole('switch', { name })

it('P114: news by e-mail is off until it is chosen', async () => {
  const asked = show()
  const news = await turn('News by e-mail')
  expect(news.getAttribute('aria-checked')).toBe('false')
  await userEvent.click(news)
  await expect.poll(async () => (await turn('News by e-mail')).getAttribute('aria-checked')).toBe('true')
  expect(asked.find(({ name }) => name === 'ConsentSet')?.variables).toEqual({
    input: { kind: 'MARKETING', granted: true, method: 'SETTINGS' },
  })
})

it('P130: a choice shows its date and policy, and can be taken back; P128: acceptances are listed', async () => {
  show()
  await screen.findByText('Agreed on May 3, 2026, policy 2025-01-01.1.')
  await screen.findByText(/Version 2025-01-01.1, accepted/)
  await userEvent.click(await turn('Answers by an external service'))
  await screen.findByText('Declined on May 3, 2026, policy 2025-01-01.1.')
})

it('a guest is asked only what makes sense for one', async () => {
  show({ ...accountInfo, viewer: { ...accountInfo.viewer, kind: 'GUEST' } })
  await turn('Remember my preferences')
  expect(screen.queryByRole('switch', { name: 'News by e-mail' })).toBeNull()
  expect(screen.queryByRole('switch', { name: 'Sharing by link' })).toBeNull()
})
