import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { beforeEach, expect, it, vi } from 'vitest'
import type { ErrorCode } from '@/gql/graphql'
import { ask, question } from '@/lib/questions'
import type { ServiceInfo } from '@/lib/service-info'
import { useStore } from '@/lib/store'
import { accountInfo, type Answers, TestApp, testClient } from '@/test-client'
import { QuestionDialog, stepsLeft } from './question-dialog'

const open = { ageConfirmed: false, ageRefused: false, policyAccepted: false, policyVersion: '2025-01-01.1' }
const gateAfter = (field: string, type: string, gate: object, userErrors: object[] = []) => ({
  __typename: 'Mutation',
  [field]: { __typename: type, gate: { __typename: 'Gate', ...open, ...gate }, userErrors },
})
const confirmed = () => gateAfter('ageConfirm', 'AgeConfirmPayload', { ageConfirmed: true })
const accepted = () => gateAfter('policyAccept', 'PolicyAcceptPayload', { ageConfirmed: true, policyAccepted: true })
const refusal = (code: string) => ({ __typename: 'InputError', code, message: 'no', field: null })

function Asked() {
  const asked = useStore(question)
  return asked && <QuestionDialog question={asked} />
}

/** Opens a question and tells what became of it. */
function show(code: ErrorCode, gate: object, answers: Answers) {
  const { client, asked } = testClient(answers)
  const passed = vi.fn<() => void>()
  const closed = vi.fn<() => void>()
  const viewer = { id: null, kind: 'GUEST', gate: { ...open, ...gate } }
  const info = {
    ...accountInfo,
    viewer,
    service: { ...accountInfo.service, engine: { name: 'Moonshot' } },
  } as unknown as ServiceInfo
  render(
    <TestApp client={client} info={info}>
      <Asked />
    </TestApp>,
  )
  ask({ code, message: 'api.example.org', place: 'COMPOSER', passed, closed })
  return { asked, passed, closed }
}

async function answerAge(month: string, year: string) {
  await userEvent.selectOptions(await screen.findByRole('combobox', { name: 'Month' }), month)
  await userEvent.selectOptions(screen.getByRole('combobox', { name: 'Year' }), year)
  await userEvent.click(screen.getByRole('button', { name: 'Continue' }))
}

beforeEach(() => question.set(null))

it('P7, P121: asks for age and policy, one after the other, and then lets the message go', async () => {
  const { asked, passed, closed } = show('AGE_CONFIRMATION_REQUIRED', {}, { AgeConfirm: confirmed, PolicyAccept: accepted })
  await answerAge('5', '1990')
  expect(passed).not.toHaveBeenCalled()
  await userEvent.click(await screen.findByRole('button', { name: 'Accept and send' }))
  expect(asked).toEqual([
    { name: 'AgeConfirm', variables: { input: { birthMonth: 5, birthYear: 1990 } } },
    { name: 'PolicyAccept', variables: { input: { version: '2025-01-01.1', method: 'COMPOSER' } } },
  ])
  expect(passed).toHaveBeenCalledOnce()
  expect(closed).not.toHaveBeenCalled()
  expect(question.get()).toBeNull()
})

it('P121: the question is neutral: nothing is chosen, no age is named, every year is offered', async () => {
  show('AGE_CONFIRMATION_REQUIRED', {}, {})
  const year = await screen.findByRole<HTMLSelectElement>('combobox', { name: 'Year' })
  expect(year.value).toBe('')
  expect(year.options[1]?.value).toBe(String(new Date().getFullYear()))
  expect(screen.getByRole('dialog').textContent).not.toMatch(/\b1[0-9]\b years|\bold\b|child/)
})

it('what isn’t chosen is told at the fields and nothing is sent', async () => {
  const { asked } = show('AGE_CONFIRMATION_REQUIRED', {}, {})
  await userEvent.click(await screen.findByRole('button', { name: 'Continue' }))
  await screen.findByText('Choose a month and a year.')
  expect(screen.getByRole('combobox', { name: 'Month' }).getAttribute('aria-invalid')).toBe('true')
  expect(asked).toEqual([])
})

it('a month to come is an error of the fields, and what was chosen stays', async () => {
  show(
    'AGE_CONFIRMATION_REQUIRED',
    {},
    { AgeConfirm: () => gateAfter('ageConfirm', 'AgeConfirmPayload', {}, [refusal('INVALID')]) },
  )
  await answerAge('12', String(new Date().getFullYear()))
  await screen.findByText('Choose the month and year in which you were born.')
  expect(screen.getByRole<HTMLSelectElement>('combobox', { name: 'Month' }).value).toBe('12')
})

it('P121: stops politely, without a way to answer again', async () => {
  const { passed, closed } = show('AGE_CONFIRMATION_REQUIRED', { ageRefused: true }, {})
  await screen.findByText(/You can’t use Kimi K2 yet/)
  expect(screen.queryByRole('combobox')).toBeNull()
  await userEvent.click(screen.getAllByRole('button', { name: 'Close' }).at(-1)!)
  expect(closed).toHaveBeenCalledOnce()
  expect(passed).not.toHaveBeenCalled()
})

it('asks for the policy alone when the age is known', async () => {
  const { passed } = show('POLICY_ACCEPTANCE_REQUIRED', { ageConfirmed: true }, { PolicyAccept: accepted })
  const link = await screen.findByRole('link', { name: 'privacy policy' })
  expect(link.getAttribute('href')).toBe('/privacy')
  expect(screen.queryByRole('combobox')).toBeNull()
  await userEvent.click(screen.getByRole('button', { name: 'Accept and send' }))
  expect(passed).toHaveBeenCalledOnce()
})

it('P130: names the external service before anything is sent to it', async () => {
  const consent = { __typename: 'Consent', kind: 'EXTERNAL_INFERENCE', granted: true, policyVersion: 'v', createdAt: 't' }
  const done = { __typename: 'Mutation', consentSet: { __typename: 'ConsentSetPayload', consent, userErrors: [] } }
  const { asked, passed } = show('CONSENT_REQUIRED', { ageConfirmed: true, policyAccepted: true }, { ConsentSet: () => done })
  await screen.findByText('Moonshot')
  await screen.findByText('api.example.org')
  await userEvent.click(screen.getByRole('button', { name: 'Agree and send' }))
  expect(asked[0]?.variables).toEqual({ input: { kind: 'EXTERNAL_INFERENCE', granted: true, method: 'DIALOG' } })
  expect(passed).toHaveBeenCalledOnce()
})

it('a broken line is told, and the same answer can be given again', async () => {
  let tries = 0
  const answer = () => (++tries === 1 ? new Error('gone') : accepted())
  const { passed } = show('POLICY_ACCEPTANCE_REQUIRED', { ageConfirmed: true }, { PolicyAccept: answer })
  await userEvent.click(await screen.findByRole('button', { name: 'Accept and send' }))
  await screen.findByText(/can’t be reached/)
  await userEvent.click(screen.getByRole('button', { name: 'Accept and send' }))
  expect(passed).toHaveBeenCalledOnce()
})

it('closing it asks nothing more and says so', async () => {
  const { closed } = show('AGE_CONFIRMATION_REQUIRED', {}, {})
  await userEvent.click(await screen.findByRole('button', { name: 'Not now' }))
  expect(closed).toHaveBeenCalledOnce()
})

it('the server’s word counts where the page thinks that all is answered', () => {
  const all = { ageConfirmed: true, ageRefused: false, policyAccepted: true }
  expect(stepsLeft({ code: 'AGE_CONFIRMATION_REQUIRED' }, all, [])).toEqual(['age'])
  expect(stepsLeft({ code: 'POLICY_ACCEPTANCE_REQUIRED' }, all, [])).toEqual(['policy'])
  expect(stepsLeft({ code: 'POLICY_ACCEPTANCE_REQUIRED' }, all, ['policy'])).toEqual([])
  expect(stepsLeft({ code: 'CONSENT_REQUIRED' }, undefined, [])).toEqual(['consent'])
})
