import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import type { ServiceInfo } from '@/lib/service-info'
import { browserZone } from '@/lib/browser-zone'
import { sumOf } from '@/lib/credits'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { Ledger } from './ledger'

const act = {
  __typename: 'UsageRow',
  id: 'use_1',
  feature: 'CHAT',
  modelId: 'k2',
  status: 'COMPLETE',
  promptTokens: 1_000_100,
  cachedTokens: 400_000,
  outputTokens: 70_000,
  reasoningTokens: 0,
  estimated: false,
  price: { __typename: 'ModelPrice', input: '95', cachedInput: '16', output: '400' },
  credits: '91.4095',
  createdAt: '2026-05-01T12:00:00Z',
}
const entry = (id: string, kind: string, amount: string, usage: object | null = null) => ({
  __typename: 'LedgerEntry',
  id,
  kind,
  amount,
  createdAt: '2026-05-01T12:00:00Z',
  reason: kind === 'GRANT' ? 'welcome' : null,
  usage,
})
const all = [
  entry('ent_5', 'CHARGE', '-91.4095', { ...act, id: 'use_2', feature: 'API' }),
  entry('ent_4', 'CHARGE', '-91.4095', act),
  entry('ent_3', 'REFUND', '-100'),
  entry('ent_2', 'PURCHASE', '500'),
  entry('ent_1', 'GRANT', '0.000001'),
]

function show() {
  const { client, asked } = testClient({
    Ledger: ({ kinds }) => ({
      __typename: 'Query',
      viewer: {
        __typename: 'Viewer',
        id: 'own_1',
        ledgerEntries: {
          __typename: 'LedgerEntryConnection',
          edges: all
            .filter(({ kind }) => !kinds || (kinds as string[]).includes(kind))
            .map((node) => ({ __typename: 'LedgerEntryEdge', cursor: node.id, node })),
          pageInfo: { __typename: 'PageInfo', hasNextPage: false, endCursor: null },
        },
      },
    }),
  })
  const info = { ...accountInfo, models: [{ id: 'k2', name: 'Kimi K2' }] } as unknown as ServiceInfo
  render(
    <TestApp client={client} info={info}>
      <Ledger />
    </TestApp>,
  )
  return asked
}

/** The amounts on show, as numbers are written elsewhere. */
const amounts = () =>
  screen
    .getAllByRole('listitem')
    .map((row) => (/([+−])([\d,.]+)(?!.*[+−])/.exec(row.querySelector('.ml-auto')?.textContent ?? '') ?? []).slice(1, 3))

it('shows every movement to its last digit: they add up to the ledger', async () => {
  show()
  await screen.findByText('welcome')
  expect(amounts()).toEqual([
    ['−', '91.4095'],
    ['−', '91.4095'],
    ['−', '100'],
    ['+', '500'],
    ['+', '0.000001'],
  ])
  const shown = amounts().map(([sign, size]) => `${sign === '−' ? '-' : ''}${size}`)
  expect(sumOf(shown)).toBe('217.181001')
  const address = screen.getByRole('link', { name: 'Download as CSV' }).getAttribute('href')
  const { pathname, searchParams } = new URL(address ?? '', 'http://a')
  expect([pathname, searchParams.get('timeZone')]).toEqual(['/billing/ledger.csv', browserZone()])
})

it('explains a charge as tokens times price, which add up to it', async () => {
  show()
  const [, message] = await screen.findAllByText('Kimi K2')
  if (message) await userEvent.click(message)
  const lines = [...(screen.getAllByRole('table', { name: 'Tokens times price' })[1]?.querySelectorAll('tbody tr') ?? [])].map(
    (row) => row.textContent,
  )
  expect(lines).toEqual(['600,100 read× 95 / M57.01', '400,000 read from the cache× 16 / M6.4', '70,000 written× 400 / M28'])
  expect(0.6001 * 95 + 0.4 * 16 + 0.07 * 400).toBeCloseTo(91.4095, 6)
})

it('tells what programs were charged for from what the page was', async () => {
  show()
  await screen.findByText('welcome')
  const lines = screen.getAllByRole('listitem').map((row) => row.querySelector('.min-w-0')?.textContent)
  expect(lines.slice(0, 2)).toEqual(['AnswerProgramsKimi K2', 'AnswerKimi K2'])
})

it('asks for the kinds that are chosen', async () => {
  const asked = show()
  await screen.findByText('welcome')
  await userEvent.click(screen.getByRole('button', { name: 'Bought' }))
  await expect.poll(() => screen.getAllByRole('listitem')).toHaveLength(1)
  expect(amounts()).toEqual([['+', '500']])
  expect(asked.at(-1)?.variables.kinds).toEqual(['PURCHASE'])
  const table = new URL(screen.getByRole('link', { name: 'Download as CSV' }).getAttribute('href') ?? '', 'http://a')
  expect(table.searchParams.getAll('kind')).toEqual(['PURCHASE'])
})
