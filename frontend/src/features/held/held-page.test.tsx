import { fireEvent, render, screen, within } from '@testing-library/react'
import { expect, it, vi } from 'vitest'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { HeldPage } from './held-page'

vi.mock('@tanstack/react-router', () => ({ Link: ({ children }: { children: React.ReactNode }) => <span>{children}</span> }))

const table = (name: string, count: number, more: object = {}) => ({
  __typename: 'DataTable',
  name,
  about: `${name}.`,
  count,
  oldestAt: null,
  retention: { __typename: 'DataRetention', rule: 'OWNER', seconds: null, guestSeconds: null },
  erasure: 'DELETED',
  ...more,
})

const row = (text: string) => ({
  __typename: 'DataRow',
  values: [
    { __typename: 'DataValue', name: 'text_sealed', value: text },
    { __typename: 'DataValue', name: 'finished_at', value: null },
  ],
})

const column = (name: string, more: object = {}) => ({
  __typename: 'DataColumn',
  name,
  storage: 'PLAIN',
  shown: true,
  why: null,
  ...more,
})

const columns = [
  column('text_sealed', { storage: 'SEALED' }),
  column('finished_at'),
  column('token_hash', { storage: 'HASHED', shown: false, why: 'a secret' }),
]

function show(values: (variables: Record<string, unknown>) => object[] | Error) {
  const inventory = (more: object) => ({
    __typename: 'Query',
    viewer: { __typename: 'Viewer', kind: 'ACCOUNT', dataInventory: { __typename: 'DataInventory', ...more } },
  })
  const entry = { __typename: 'BrowserEntry', kind: 'COOKIE', purpose: 'For news.', necessary: false, kept: 'a day' }
  const browser = [
    { ...entry, name: 'sid', necessary: true },
    { ...entry, name: 'novelty' },
  ]
  const groups = [
    {
      __typename: 'DataGroup',
      name: 'conversations',
      purpose: 'p',
      clause: 'C-A',
      tables: [table('messages', 2), table('novelties', 0)],
    },
    { __typename: 'DataGroup', name: 'cookies', purpose: 'p', clause: 'C-B', tables: [] },
  ]
  const { client, asked } = testClient({
    Held: () => inventory({ policyVersion: '1', browser, groups }),
    HeldValues: (variables) => {
      const nodes = values(variables)
      if (nodes instanceof Error) return nodes
      const pageInfo = { __typename: 'PageInfo', hasNextPage: !variables.after, endCursor: 'c1' }
      const rows = { __typename: 'DataRowConnection', nodes, pageInfo }
      return inventory({ table: { __typename: 'DataTable', name: 'messages', columns, rows } })
    },
  })
  render(
    <TestApp client={client} info={accountInfo}>
      <HeldPage />
    </TestApp>,
  )
  return asked
}

const messages = 'Messages and replies, all branches'

it('P109: shows the values of a table when they are asked for, page by page, and says what is not shown', async () => {
  const asked = show(({ after }) => [row(after ? 'the second' : 'x'.repeat(1000))])
  fireEvent.click(await screen.findByRole('button', { name: `${messages}: show values` }))
  const region = await screen.findByRole('region', { name: messages })
  expect(within(region).getByText(/^x{600}…/)).toBeTruthy()
  fireEvent.click(within(region).getByRole('button', { name: 'Show all of it' }))
  expect(within(region).getByText('x'.repeat(1000))).toBeTruthy()
  expect(within(region).getByText('–')).toBeTruthy()
  expect(within(region).getAllByRole('img', { name: 'stored encrypted' })).toHaveLength(1)
  expect(region.textContent).toContain('token hash (a secret)')
  fireEvent.click(within(region).getByRole('button', { name: 'Show more rows' }))
  expect(await within(region).findByText('the second')).toBeTruthy()
  expect(within(region).queryByRole('button', { name: 'Show more rows' })).toBeNull()
  const pages = asked.filter(({ name, variables }) => name === 'HeldValues' && variables.after === 'c1')
  expect(pages).toHaveLength(1)
})

it('names what nothing is kept of, and says so when values can’t be loaded', async () => {
  show(() => new Error('away'))
  expect((await screen.findByText('Nothing is kept of these')).closest('details')?.textContent).toContain('novelties')
  fireEvent.click(screen.getByRole('button', { name: `${messages}: show values` }))
  expect(await screen.findByRole('alert')).toBeTruthy()
})

it('P31, P109: names what is kept in this browser', async () => {
  show(() => [])
  const rows = within(await screen.findByRole('region', { name: 'In this browser' })).getAllByRole('listitem')
  expect(rows.map(({ textContent }) => textContent)).toEqual([
    'Keeps you signed in.Cookie sid · 30 days at most; 7 days after the last use · necessary',
    'For news.Cookie novelty · a day · only after you agreed',
  ])
})
