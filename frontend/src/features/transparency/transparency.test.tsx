import { render, screen, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import type { TransparencyState } from '@/gql/graphql'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { Transparency } from './transparency'

const clause = (id: string, title: string, state: TransparencyState, evidence: string) => ({
  __typename: 'TransparencyClause',
  id,
  section: 'How long we keep it',
  title,
  state,
  evidence,
  findings: [] as object[],
  checkedAt: '2026-05-01T12:00:00Z',
})

function show(state: TransparencyState, clauses: object[], more: object = {}) {
  const transparency = {
    __typename: 'Transparency',
    madeAt: '2026-05-01T12:00:01Z',
    checkedAt: '2026-05-01T12:00:00Z',
    state,
    version: 'v1',
    policyVersion: '2025-01-01.1',
    policyHash: 'abc',
    publicKey: 'key',
    clauses,
    recipients: [],
    hops: [],
    changes: [],
    ...more,
  }
  render(
    <TestApp client={testClient({ Transparency: () => ({ transparency }) }).client} info={accountInfo}>
      <Transparency />
    </TestApp>,
  )
}

const kept = clause('C-RET-ACCOUNT', 'Account data until you delete the account.', 'GREEN', 'No deletion waits.')
const broken = clause('C-RET-GUESTS', 'Guests go after 30 days.', 'RED', 'The guest is 31 days old.')

it('where all is kept one sentence says so, and nothing is set apart', async () => {
  show('GREEN', [kept])
  await screen.findByText('Every promise of the privacy policy is kept.')
  expect(screen.queryByRole('region', { name: 'Not as it should be' })).toBeNull()
  screen.getByText('1 of 1 kept')
})

it('a broken promise comes first, with what was found and a way to its place', async () => {
  show('RED', [kept, broken])
  await screen.findByText('1 promise of the privacy policy is broken.')
  const apart = within(screen.getByRole('region', { name: 'Not as it should be' }))
  expect(apart.getByRole('link', { name: 'Guests go after 30 days.' }).getAttribute('href')).toBe('#C-RET-GUESTS')
  apart.getByText('The guest is 31 days old.')
  expect(apart.queryByText('No deletion waits.')).toBeNull()
})

it('what was found is said in words of the page, and in the report’s where there are none', async () => {
  const limit = { __typename: 'TransparencyValue', name: 'limit', sort: 'SPAN', value: '2592000', more: 0 }
  const age = { ...limit, name: 'age', value: '86400' }
  const finding = { __typename: 'TransparencyFinding', code: 'guest_oldest', values: [age, limit] }
  show('GREEN', [
    { ...kept, evidence: 'As the report says it.', findings: [finding] },
    { ...broken, state: 'GREEN', findings: [{ ...finding, code: 'unheard_of' }] },
  ])
  await screen.findByText('The guest that has been inactive for longest was active 24 hours ago; guests go after 30 days.')
  expect(screen.queryByText('As the report says it.')).toBeNull()
  expect(screen.getByText('The guest is 31 days old.').lang).toBe('en')
})

it('P95: a recipient says what it gets, where it is, and that it waits for consent', async () => {
  const recipient = {
    __typename: 'Recipient',
    kind: 'INFERENCE',
    name: 'Moonshot AI',
    hosts: ['api.moonshot.ai:443'],
    gets: ['BRANCH'],
    clause: 'C-READ-RECIPIENTS',
    local: false,
    encrypted: true,
    consent: true,
  }
  const hop = {
    __typename: 'Hop',
    name: 'This server to Moonshot AI',
    way: 'RECIPIENT',
    to: 'Moonshot AI',
    host: 'api.moonshot.ai:443',
    state: 'GREEN',
    protection: 'VERIFIED',
  }
  show('GREEN', [kept], { recipients: [recipient], hops: [hop] })
  const card = within((await screen.findByRole('heading', { level: 3, name: 'Moonshot AI' })).parentElement as HTMLElement)
  card.getByText('the messages of the branch that is answered')
  card.getByText(/the way there is encrypted.*Only if you have agreed to it by name/)
  expect(card.getByRole('link', { name: /policy/ }).getAttribute('href')).toBe('/privacy#C-READ-RECIPIENTS')
  screen.getByText('This server to Moonshot AI')
  screen.getByText('Encrypted (TLS), and the other end is verified.')
})
