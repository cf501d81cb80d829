import { cleanup, render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { beforeEach, expect, it } from 'vitest'
import { readForm } from '@/lib/kept-form'
import { accountInfo, type Answers, TestApp, testClient } from '@/test-client'
import { KeysPage } from './keys-page'
import { accountState, refused } from './test-account'

const soon = new Date(Date.now() + 86_400_000).toISOString()
const key = (id: string, more: object = {}) => ({
  __typename: 'ApiKey',
  id,
  name: 'my bot',
  scopes: ['chat:write'],
  lastFour: 'wxyz',
  createdAt: '2026-05-03T10:00:00.000000Z',
  expiresAt: soon,
  revokedAt: null,
  lastUsedAt: null,
  creditLimit: null,
  spent: '0',
  requestsPerMinute: null,
  tokensPerMinute: null,
  ...more,
})

function show(keys: object[], answers: Answers = {}) {
  const list = [...keys]
  const { client, asked } = testClient({
    SettingsKeys: () => ({ __typename: 'Query', viewer: { __typename: 'Viewer', apiKeys: [...list] } }),
    ...answers,
  })
  render(
    <TestApp client={client} info={accountInfo}>
      <KeysPage />
    </TestApp>,
  )
  return { asked, list }
}

it('P89, P92: makes a key with what was chosen and shows it once', async () => {
  const { asked, list } = show([], {
    SettingsKeyCreate: () => {
      list.push(key('key_1'))
      return {
        __typename: 'Mutation',
        apiKeyCreate: { __typename: 'ApiKeyCreatePayload', secret: 'k2_live_secret', apiKey: key('key_1'), userErrors: [] },
      }
    },
  })
  await userEvent.type(await screen.findByLabelText('What the key is for'), 'my bot')
  await userEvent.click(screen.getByLabelText(/See the models/))
  await userEvent.click(screen.getByLabelText('30 days'))
  await userEvent.type(screen.getByLabelText('How much it may spend'), '1,000')
  await userEvent.click(screen.getByRole('button', { name: 'Make the key' }))
  expect((await screen.findByRole('alert')).textContent).toBe('Write a number of credits, for example 1000 or 0.5, or nothing.')
  await userEvent.clear(screen.getByLabelText('How much it may spend'))
  await userEvent.type(screen.getByLabelText('How much it may spend'), '2,5')
  await userEvent.click(screen.getByRole('button', { name: 'Make the key' }))
  expect((await screen.findByLabelText<HTMLInputElement>('Your new key')).value).toBe('k2_live_secret')
  const input = asked.find(({ name }) => name === 'SettingsKeyCreate')?.variables.input as Record<string, unknown>
  expect(input).toMatchObject({ name: 'my bot', scopes: ['chat:write', 'usage:read'], creditLimit: '2.5' })
  expect(Math.round((Date.parse(String(input.expiresAt)) - Date.now()) / 86_400_000)).toBe(30)
  await userEvent.click(screen.getByRole('button', { name: 'I have copied it' }))
  expect(screen.queryByText('k2_live_secret')).toBeNull()
  await screen.findByLabelText('What the key is for')
})

it('shows that the key is copied, and what is left has the focus', async () => {
  show([], {
    SettingsKeyCreate: () => ({
      __typename: 'Mutation',
      apiKeyCreate: { __typename: 'ApiKeyCreatePayload', secret: 'k2_live_secret', apiKey: key('key_1'), userErrors: [] },
    }),
  })
  await userEvent.type(await screen.findByLabelText('What the key is for'), 'my bot')
  await userEvent.click(screen.getByRole('button', { name: 'Make the key' }))
  expect(await screen.findByLabelText('Your new key')).toBe(document.activeElement)
  await userEvent.click(screen.getByRole('button', { name: 'Copy' }))
  await screen.findByRole('button', { name: 'Copied' })
  expect(await navigator.clipboard.readText()).toBe('k2_live_secret')
})

const updated = (more: object) => ({
  __typename: 'Mutation',
  apiKeyUpdate: { __typename: 'ApiKeyUpdatePayload', apiKey: key('key_1', more), userErrors: [] },
})

it('changes of a key what was changed, and nothing else', async () => {
  const inputs: unknown[] = []
  show([key('key_1', { creditLimit: '5', requestsPerMinute: 60 })], {
    SettingsKeyUpdate: ({ input }) => {
      inputs.push(input)
      return updated({})
    },
  })
  const opener = await screen.findByRole('button', { name: 'Change my bot' })
  await userEvent.click(opener)
  const form = within(screen.getByRole('form', { name: 'Change my bot' }))
  expect(form.getByLabelText('What the key is for')).toBe(document.activeElement)
  const limit = form.getByLabelText('How much it may spend')
  await userEvent.clear(limit)
  await userEvent.type(limit, '1,5x')
  await userEvent.click(form.getByRole('button', { name: 'Save' }))
  expect(form.getByRole('alert').textContent).toBe('Write a number of credits, for example 1000 or 0.5, or nothing.')
  await userEvent.type(limit, '{Backspace}')
  await userEvent.clear(form.getByLabelText('Requests a minute'))
  await userEvent.click(form.getByRole('button', { name: 'Save' }))
  await expect.poll(() => screen.queryByRole('form', { name: 'Change my bot' })).toBeNull()
  expect(inputs).toEqual([{ apiKeyId: 'key_1', creditLimit: '1.5', requestsPerMinute: 0 }])
  expect(document.activeElement).toBe(opener)
})

it('asks for a proof where a key gets more, and keeps what was typed on the way', async () => {
  const answers = {
    SettingsAccountState: accountState(),
    SettingsKeyUpdate: () =>
      refused('apiKeyUpdate', 'ApiKeyUpdatePayload', { code: 'REAUTHENTICATION_REQUIRED', message: 'again' }, { apiKey: null }),
  }
  const keys = [key('key_1', { creditLimit: '5' })]
  show(keys, answers)
  await userEvent.click(await screen.findByRole('button', { name: 'Change my bot' }))
  const field = () =>
    within(screen.getByRole('form', { name: 'Change my bot' })).getByLabelText<HTMLInputElement>('How much it may spend')
  await userEvent.clear(field())
  await userEvent.type(field(), '50')
  await userEvent.click(screen.getByRole('button', { name: 'Save' }))
  const link = await screen.findByRole('link', { name: 'Continue with Google' })
  link.addEventListener('click', (event) => event.preventDefault())
  await userEvent.click(link)
  cleanup()

  const inputs: unknown[] = []
  show(keys, {
    ...answers,
    SettingsKeyUpdate: ({ input }) => {
      inputs.push(input)
      return updated({ creditLimit: '50' })
    },
  })
  await screen.findByRole('form', { name: 'Change my bot' })
  expect(field().value).toBe('50')
  await userEvent.click(screen.getByRole('button', { name: 'Save' }))
  await expect.poll(() => inputs).toEqual([{ apiKeyId: 'key_1', creditLimit: '50' }])
})

it('lets a limit go when nothing is written there', async () => {
  const inputs: unknown[] = []
  show([key('key_1', { creditLimit: '5' })], {
    SettingsKeyUpdate: ({ input }) => {
      inputs.push(input)
      return updated({})
    },
  })
  await userEvent.click(await screen.findByRole('button', { name: 'Change my bot' }))
  const form = within(screen.getByRole('form', { name: 'Change my bot' }))
  await userEvent.clear(form.getByLabelText('How much it may spend'))
  await userEvent.click(form.getByRole('button', { name: 'Save' }))
  await expect.poll(() => inputs).toEqual([{ apiKeyId: 'key_1', unlimited: true }])
})

beforeEach(() => sessionStorage.clear())

it('T9: a key asks who it is, and what was typed is kept on the way and there again, once', async () => {
  const answers = {
    SettingsAccountState: accountState(),
    SettingsKeyCreate: () =>
      refused(
        'apiKeyCreate',
        'ApiKeyCreatePayload',
        { code: 'REAUTHENTICATION_REQUIRED', message: 'again' },
        { apiKey: null, secret: null },
      ),
  }
  show([], answers)
  await userEvent.type(await screen.findByLabelText('What the key is for'), 'my bot')
  await userEvent.click(screen.getByLabelText(/See the models/))
  await userEvent.click(screen.getByLabelText('30 days'))
  await userEvent.type(screen.getByLabelText('How much it may spend'), '2,5')
  await userEvent.type(screen.getByLabelText('Requests a minute'), '60')
  await userEvent.click(screen.getByRole('button', { name: 'Make the key' }))
  const link = await screen.findByRole('link', { name: 'Continue with Google' })
  expect(link.getAttribute('href')).toBe('/auth/google?purpose=confirm&return=%2Fsettings%2Fkeys')
  expect(screen.queryByRole('alert')).toBeNull()
  link.addEventListener('click', (event) => event.preventDefault())
  await userEvent.click(link)
  cleanup()

  const { asked } = show([], answers)
  await screen.findByText(/You’re confirmed/)
  expect(readForm('key')).toBeNull()
  await userEvent.click(screen.getByRole('button', { name: 'Make the key' }))
  await screen.findByRole('link', { name: 'Continue with Google' })
  const input = asked.find(({ name }) => name === 'SettingsKeyCreate')?.variables.input as Record<string, unknown>
  expect(input).toMatchObject({ name: 'my bot', scopes: ['chat:write', 'usage:read'], creditLimit: '2.5', requestsPerMinute: 60 })
  expect(Math.round((Date.parse(String(input.expiresAt)) - Date.now()) / 86_400_000)).toBe(30)
})

it('keeps what was typed when the key is refused', async () => {
  show([], {
    SettingsKeyCreate: () => ({
      __typename: 'Mutation',
      apiKeyCreate: {
        __typename: 'ApiKeyCreatePayload',
        secret: null,
        apiKey: null,
        userErrors: [{ __typename: 'InputError', code: 'CONFLICT', message: 'too many', field: null }],
      },
    }),
  })
  await userEvent.type(await screen.findByLabelText('What the key is for'), 'one more')
  await userEvent.click(screen.getByRole('button', { name: 'Make the key' }))
  await screen.findByText('You have as many keys as there may be. Revoke one first.')
  expect(screen.getByLabelText<HTMLInputElement>('What the key is for').value).toBe('one more')
})

it('P90, P91: revokes a key after its question, and keeps it in sight', async () => {
  const { asked, list } = show([key('key_1'), key('key_2', { name: 'old', revokedAt: '2026-06-01T00:00:00.000000Z' })], {
    SettingsKeyRevoke: () => {
      list[0] = key('key_1', { revokedAt: '2026-06-02T00:00:00.000000Z' })
      return {
        __typename: 'Mutation',
        apiKeyRevoke: { __typename: 'ApiKeyRevokePayload', apiKey: list[0], userErrors: [] },
      }
    },
  })
  await userEvent.click(await screen.findByRole('button', { name: 'Revoke my bot' }))
  await userEvent.click(screen.getByRole('button', { name: 'Revoke' }))
  await screen.findByText('No key is good now.')
  const over = screen.getByRole('region', { name: 'Keys that are over' })
  expect(within(over).getAllByRole('listitem')).toHaveLength(2)
  expect(asked.find(({ name }) => name === 'SettingsKeyRevoke')?.variables).toEqual({ input: { apiKeyId: 'key_1' } })
})

it('a limit of one is told as one', async () => {
  show([key('key_1', { requestsPerMinute: 1, tokensPerMinute: 1 })])
  await screen.findByText(/1 request a minute/)
  expect(screen.getByText(/1 token a minute/)).toBeTruthy()
})

it('P92: a key gets limits of its own, and shows them', async () => {
  const { asked } = show([key('key_1', { requestsPerMinute: 60, tokensPerMinute: 100_000 })], {
    SettingsKeyCreate: () => ({
      __typename: 'Mutation',
      apiKeyCreate: { __typename: 'ApiKeyCreatePayload', secret: 'k2_live_secret', apiKey: key('key_2'), userErrors: [] },
    }),
  })
  await screen.findByText(/60 requests a minute/)
  expect(screen.getByText(/100K tokens a minute/)).toBeTruthy()
  await userEvent.type(screen.getByLabelText('What the key is for'), 'bot')
  await userEvent.type(screen.getByLabelText('Requests a minute'), '1.5')
  await userEvent.click(screen.getByRole('button', { name: 'Make the key' }))
  expect((await screen.findByRole('alert')).textContent).toBe('Write a whole number, or nothing.')
  await userEvent.clear(screen.getByLabelText('Requests a minute'))
  await userEvent.type(screen.getByLabelText('Requests a minute'), '1,200')
  await userEvent.click(screen.getByRole('button', { name: 'Make the key' }))
  await screen.findByLabelText('Your new key')
  const input = asked.find(({ name }) => name === 'SettingsKeyCreate')?.variables.input
  expect(input).toMatchObject({ requestsPerMinute: 1200 })
  expect(input).not.toHaveProperty('tokensPerMinute')
})

it('one credit is one', async () => {
  show([key('key_1', { spent: '1' }), key('key_2', { spent: '0.5', creditLimit: '1' }), key('key_3', { spent: '2' })])
  await screen.findByText(/(?<!of )1 credit spent/)
  screen.getByText(/0\.5 of 1 credit spent/)
  screen.getByText(/2 credits spent/)
})
