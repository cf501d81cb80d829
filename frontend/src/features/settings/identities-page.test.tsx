import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { beforeEach, expect, it } from 'vitest'
import { readForm } from '@/lib/kept-form'
import { accountInfo, type Answers, TestApp, testClient } from '@/test-client'
import { IdentitiesPage } from './identities-page'
import { account, accountState, identity, refused } from './test-account'

function show(answers: Answers, error: string | null = null) {
  const { client, asked } = testClient(answers)
  render(
    <TestApp client={client} info={accountInfo}>
      <IdentitiesPage error={error} />
    </TestApp>,
  )
  return asked
}

const both = { identities: [identity('GOOGLE'), identity('GITHUB')] }

beforeEach(() => sessionStorage.clear())

it('P11: the last way to sign in can’t be unlinked, and why is said', async () => {
  show({ SettingsAccountState: accountState({ identities: [identity('GOOGLE', { removable: false })] }) })
  const button = await screen.findByRole('button', { name: 'Unlink Google' })
  expect((button as HTMLButtonElement).disabled).toBe(true)
  const reason = document.getElementById(button.getAttribute('aria-describedby') ?? '')
  expect(reason?.textContent).toMatch(/last way to sign in/)
  expect(screen.getByRole('link', { name: 'Link GitHub' }).getAttribute('href')).toBe(
    '/auth/github?purpose=link&return=%2Fsettings%2Fidentities',
  )
})

it('unlinks only after its question', async () => {
  const payload = {
    __typename: 'IdentityUnlinkPayload',
    account: account({ identities: [identity('GOOGLE', { removable: false })] }),
    userErrors: [],
  }
  const asked = show({
    SettingsAccountState: accountState(both),
    SettingsIdentityUnlink: () => ({ __typename: 'Mutation', identityUnlink: payload }),
  })
  await userEvent.click(await screen.findByRole('button', { name: 'Unlink GitHub' }))
  expect(document.activeElement?.textContent).toBe('Cancel')
  expect(asked.some(({ name }) => name === 'SettingsIdentityUnlink')).toBe(false)
  await userEvent.click(screen.getByRole('button', { name: 'Unlink' }))
  await screen.findByRole('link', { name: 'Link GitHub' })
  expect(asked.at(-1)).toEqual({ name: 'SettingsIdentityUnlink', variables: { input: { identityId: 'idn_GITHUB' } } })
})

it('T9: asks who it is and comes back to the same question', async () => {
  show({
    SettingsAccountState: accountState(both),
    SettingsIdentityUnlink: () =>
      refused('identityUnlink', 'IdentityUnlinkPayload', { code: 'REAUTHENTICATION_REQUIRED', message: 'again' }),
  })
  await userEvent.click(await screen.findByRole('button', { name: 'Unlink GitHub' }))
  await userEvent.click(screen.getByRole('button', { name: 'Unlink' }))
  const link = await screen.findByRole('link', { name: 'Continue with GitHub' })
  link.addEventListener('click', (event) => event.preventDefault())
  await userEvent.click(link)
  expect(readForm('identities')).toEqual({ unlink: 'idn_GITHUB' })
})

it('says what a provider’s way back brought', async () => {
  show({ SettingsAccountState: accountState(both) }, 'linked_elsewhere')
  await screen.findByText(/already belongs to another account/)
  await screen.findByText(/Every way to sign in/)
})
