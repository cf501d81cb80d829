import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { beforeEach, expect, it, vi } from 'vitest'
import { question } from '@/lib/questions'
import type { ServiceInfo } from '@/lib/service-info'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { TestRouter } from '@/test-router'
import { SignIn, type SignInProps } from './sign-in'
import { signInWords } from './sign-in-errors'

const passedGate = { ageConfirmed: true, ageRefused: false, policyAccepted: true, policyVersion: 'v' }
const guest = { id: 'own_2', kind: 'GUEST', account: null, gate: passedGate, consents: [] }

function show(props: Partial<SignInProps> = {}, viewer: object = {}, more: object = {}) {
  const info = { ...accountInfo, viewer: { ...guest, ...viewer }, ...more } as unknown as ServiceInfo
  render(
    <TestApp client={testClient({}).client} info={info}>
      <TestRouter>
        <SignIn back="/c/con_1" error={null} need={null} tried={null} use={null} wish="keep" {...props} />
      </TestRouter>
    </TestApp>,
  )
}

beforeEach(() => question.set(null))

it('P8: offers exactly what is set up, as plain links that bring the person back', async () => {
  show()
  const links = await screen.findAllByRole('link', { name: /^Continue with/ })
  expect(links.map((link) => [link.textContent, link.getAttribute('href')])).toEqual([
    ['Continue with Google', '/auth/google?return=%2Fc%2Fcon_1'],
    ['Continue with GitHub', '/auth/github?return=%2Fc%2Fcon_1'],
  ])
  expect(document.querySelector('input[type=password]')).toBeNull()
})

it('P8: with nothing set up it says how the operator signs in', async () => {
  show({}, {}, { providers: [] })
  await screen.findByText('kimi-k2 admin sign-in-link')
  expect(screen.queryByRole('link', { name: /^Continue with/ })).toBeNull()
})

it('P43: keeps what a guest wrote unless the guest says otherwise', async () => {
  show()
  await userEvent.click(await screen.findByRole('radio', { name: 'Delete them' }))
  expect(screen.getByRole('link', { name: 'Continue with Google' }).getAttribute('href')).toContain('guest=discard')
})

it('asks nothing about conversations where there are none', async () => {
  show({}, { id: null })
  await screen.findByRole('link', { name: 'Continue with Google' })
  expect(screen.queryByRole('radio')).toBeNull()
})

it('P7: asks nothing before the provider has said who it is', async () => {
  show({}, { gate: { ...passedGate, ageConfirmed: false } })
  const link = await screen.findByRole('link', { name: 'Continue with Google' })
  link.addEventListener('click', (event) => event.preventDefault())
  await userEvent.click(link)
  expect(question.get()).toBeNull()
})

it('P121: asks at once what the server wants to be answered, and goes on with the sign-in that waits', async () => {
  const assign = vi.spyOn(location, 'assign').mockImplementation(() => {})
  show({ need: 'policy', tried: 'github' })
  await screen.findByRole('status')
  expect(question.get()).toMatchObject({ code: 'POLICY_ACCEPTANCE_REQUIRED', place: 'SIGN_IN' })
  question.get()?.passed()
  expect(assign).toHaveBeenCalledWith('/auth/github?return=%2Fc%2Fcon_1&resume=1')
})

it('P11: same address at another provider: says with which to sign in first', async () => {
  show({ error: 'same_email', use: 'google', tried: 'github' })
  await screen.findByText(/Sign in with Google first. Then link GitHub in the settings/)
})

it('never shows what stands in the address', async () => {
  show({ error: 'same_email', use: '<b>evil</b>', tried: 'x' })
  await screen.findByText(/Sign in the way you did before/)
  expect(document.body.textContent).not.toContain('evil')
  expect(signInWords('constructor')).toBe(signInWords('no such code'))
})

it('somebody who is signed in is told so', async () => {
  show({}, { kind: 'ACCOUNT', account: { id: 'own_1', name: 'Ada', email: null } })
  await screen.findByText('Ada')
  expect(screen.queryByRole('link', { name: /^Continue with/ })).toBeNull()
})
