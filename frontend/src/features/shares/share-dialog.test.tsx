import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { beforeEach, expect, it, vi } from 'vitest'
import type { ServiceInfo } from '@/lib/service-info'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { ShareDialog } from './share-dialog'

const share = {
  __typename: 'Share',
  id: 'shr_1',
  conversationId: 'con_1',
  title: 'boats',
  url: '/s/token',
  messages: 2,
  reasoning: false,
  named: true,
  createdAt: '2026-05-03T10:00:00Z',
  expiresAt: null,
}

const agreed = { ...accountInfo, viewer: { ...accountInfo.viewer, consents: [{ kind: 'SHARE', granted: true }] } } as ServiceInfo

function show(info: ServiceInfo, code?: string) {
  const { client, asked } = testClient({
    ShareConsent: () => ({
      __typename: 'Mutation',
      consentSet: { __typename: 'ConsentSetPayload', consent: null, userErrors: [] },
    }),
    ConversationShare: () => ({
      __typename: 'Mutation',
      conversationShare: {
        __typename: 'ConversationSharePayload',
        share: code ? null : share,
        userErrors: code ? [{ __typename: 'InputError', code, message: 'in English', field: null }] : [],
      },
    }),
  })
  render(
    <TestApp client={client} info={info}>
      <ShareDialog conversation={{ id: 'con_1', title: 'boats' }} onClose={vi.fn()} />
    </TestApp>,
  )
  return asked
}

beforeEach(() => {
  HTMLDialogElement.prototype.showModal = function (this: HTMLDialogElement) {
    this.open = true
  }
  HTMLDialogElement.prototype.close = function (this: HTMLDialogElement) {
    this.open = false
  }
})

it('P95, P96: agrees first where nobody has, and shares nothing more than was chosen', async () => {
  const asked = show(accountInfo)
  await userEvent.click(screen.getByRole('radio', { name: 'Until I take it back' }))
  await userEvent.click(screen.getByLabelText('Show my name'))
  await userEvent.click(screen.getByRole('button', { name: 'Agree and make the link' }))
  expect(await screen.findByLabelText('The link')).toHaveProperty('value', new URL('/s/token', location.href).href)
  expect(asked).toEqual([
    { name: 'ShareConsent', variables: { input: { kind: 'SHARE', granted: true, method: 'DIALOG' } } },
    {
      name: 'ConversationShare',
      variables: { input: { conversationId: 'con_1', expiresInDays: null, withReasoning: false, withName: true } },
    },
  ])
})

it('does not ask again for what was agreed to, and ends after a month unless otherwise chosen', async () => {
  const asked = show(agreed)
  await userEvent.click(screen.getByRole('button', { name: 'Make the link' }))
  await screen.findByLabelText('The link')
  expect(asked.map(({ name }) => name)).toEqual(['ConversationShare'])
  expect(asked[0]?.variables).toMatchObject({ input: { expiresInDays: 30, withReasoning: false, withName: false } })
})

it('says why nothing was shared', async () => {
  show(agreed, 'CONFLICT')
  await userEvent.click(screen.getByRole('button', { name: 'Make the link' }))
  await screen.findByText(/An answer is still being written here/)
})
