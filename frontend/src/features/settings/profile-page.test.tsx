import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { beforeEach, expect, it } from 'vitest'
import { keepForm, readForm } from '@/lib/kept-form'
import { accountInfo, type Answers, TestApp, testClient } from '@/test-client'
import { ProfilePage } from './profile-page'
import { account, accountState, refused } from './test-account'

function show(answers: Answers, error: string | null = null) {
  const { client, asked } = testClient({ SettingsAccountState: accountState(), ...answers })
  render(
    <TestApp client={client} info={accountInfo}>
      <ProfilePage error={error} />
    </TestApp>,
  )
  return asked
}

const nameField = () => screen.findByRole('textbox', { name: 'Name' })
const emailField = () => screen.findByRole('textbox', { name: 'E-mail address' })
const saveButton = () => screen.findByRole('button', { name: 'Save' })

beforeEach(() => sessionStorage.clear())

it('P16: shows name, address and the id that support may ask for', async () => {
  show({})
  expect(((await nameField()) as HTMLInputElement).value).toBe('Ada')
  expect(((await emailField()) as HTMLInputElement).value).toBe('ada@example.org')
  await screen.findByText('own_1')
})

it('P110: sends only what has changed', async () => {
  const saved = { __typename: 'AccountUpdatePayload', account: account({ name: 'Ada L.' }), userErrors: [] }
  const asked = show({ SettingsProfileSave: () => ({ __typename: 'Mutation', accountUpdate: saved }) })
  await userEvent.click(await saveButton())
  expect(asked.filter(({ name }) => name === 'SettingsProfileSave')).toHaveLength(0)
  await userEvent.type(await nameField(), ' L.')
  await userEvent.click(await saveButton())
  expect(asked.at(-1)).toEqual({ name: 'SettingsProfileSave', variables: { input: { name: 'Ada L.' } } })
})

it('a refusal stands at its field and what was typed stays', async () => {
  show({
    SettingsProfileSave: () =>
      refused('accountUpdate', 'AccountUpdatePayload', {
        code: 'INVALID',
        message: 'the name is too long',
        field: ['input', 'name'],
      }),
  })
  const field = await nameField()
  await userEvent.type(field, ' the Second')
  await userEvent.click(await saveButton())
  await screen.findByText('The name is too long.')
  expect(field.getAttribute('aria-invalid')).toBe('true')
  expect((field as HTMLInputElement).value).toBe('Ada the Second')
})

it('a broken line is told and what was typed stays', async () => {
  show({ SettingsProfileSave: () => new Error('gone') })
  await userEvent.type(await nameField(), '!')
  await userEvent.click(await saveButton())
  await screen.findByText(/can’t be reached/)
  expect(((await nameField()) as HTMLInputElement).value).toBe('Ada!')
})

it('T9: a new address asks who it is, and what was typed is kept on the way', async () => {
  show({
    SettingsProfileSave: () =>
      refused('accountUpdate', 'AccountUpdatePayload', { code: 'REAUTHENTICATION_REQUIRED', message: 'again' }),
  })
  const field = await emailField()
  await userEvent.clear(field)
  await userEvent.type(field, 'new@example.org')
  await userEvent.click(await saveButton())
  const link = await screen.findByRole('link', { name: 'Continue with Google' })
  expect(link.getAttribute('href')).toBe('/auth/google?purpose=confirm&return=%2Fsettings%2Fprofile')
  expect(screen.queryByRole('link', { name: 'Continue with GitHub' })).toBeNull()
  link.addEventListener('click', (event) => event.preventDefault())
  await userEvent.click(link)
  expect(readForm('profile')).toEqual({ name: 'Ada', email: 'new@example.org' })
})

it('what was kept is there again, once', async () => {
  keepForm('profile', { name: 'Ada', email: 'new@example.org' })
  show({})
  expect(((await emailField()) as HTMLInputElement).value).toBe('new@example.org')
  await screen.findByText(/You’re confirmed/)
  expect(readForm('profile')).toBeNull()
})

it('an address that waits is shown, and its mail can be sent again', async () => {
  const waiting = { emailPending: 'new@example.org' }
  const saved = { __typename: 'AccountUpdatePayload', account: account(waiting), userErrors: [] }
  const asked = show({
    SettingsAccountState: accountState(waiting),
    SettingsProfileSave: () => ({ __typename: 'Mutation', accountUpdate: saved }),
  })
  await screen.findByText('new@example.org')
  await userEvent.click(screen.getByRole('button', { name: 'Send it again' }))
  expect(asked.at(-1)?.variables).toEqual({ input: { email: 'new@example.org' } })
})

it('says so when the account can’t be loaded, and asks again', async () => {
  const asked = show({ SettingsAccountState: () => new Error('gone') })
  await userEvent.click(await screen.findByRole('button', { name: 'Try again' }))
  expect(asked.filter(({ name }) => name === 'SettingsAccountState').length).toBeGreaterThan(1)
})
