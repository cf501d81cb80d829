import { render, screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { microOf, sumOf } from '@/lib/credits'
import type { ServiceInfo } from '@/lib/service-info'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { Usage } from './usage'

const sum = (acts: number, read: number, cached: number, written: number, reasoning: number, credits: string) => ({
  __typename: 'UsageSum',
  acts,
  promptTokens: read,
  cachedTokens: cached,
  outputTokens: written,
  reasoningTokens: reasoning,
  credits,
})
const total = sum(6, 2_700, 900, 1_350, 250, '12.600003')
const days = [
  { day: '2026-05-02', modelId: 'k2', sum: sum(2, 1_000, 400, 500, 100, '6.1') },
  { day: '2026-05-02', modelId: 'mini', sum: sum(1, 200, 0, 50, 0, '0.500001') },
  { day: '2026-05-05', modelId: 'k2', sum: sum(3, 1_500, 500, 800, 150, '6.000002') },
]
const models = [
  { modelId: 'k2', sum: sum(5, 2_500, 900, 1_300, 250, '12.100002') },
  { modelId: 'mini', sum: sum(1, 200, 0, 50, 0, '0.500001') },
]
const features = [
  { feature: 'CHAT', sum: sum(4, 1_700, 900, 1_000, 250, '9.600003') },
  { feature: 'API', sum: sum(2, 1_000, 0, 350, 0, '3') },
]

const keys = [
  { keyId: '', sum: sum(4, 1_700, 900, 1_000, 250, '9.600003') },
  { keyId: 'key_1', sum: sum(2, 1_000, 0, 350, 0, '3') },
]

const group = (more: object) => ({ __typename: 'UsageGroup', day: null, modelId: null, keyId: null, feature: null, ...more })

/** The page over what a query of 1 to 7 May answers. */
async function show() {
  const report = (groups: object[]) => ({ __typename: 'UsageReport', total, groups: groups.map(group) })
  const { client, asked } = testClient({
    Usage: () => ({
      __typename: 'Query',
      viewer: {
        __typename: 'Viewer',
        id: 'own_1',
        byDay: report(days),
        byModel: report(models),
        byKey: report(keys),
        byFeature: report(features),
      },
    }),
    DeveloperKeys: () => ({
      __typename: 'Query',
      viewer: {
        __typename: 'Viewer',
        id: 'own_1',
        apiKeys: [{ __typename: 'ApiKey', id: 'key_1', name: 'Nightly report', lastFour: 'abcd', revokedAt: null }],
      },
    }),
  })
  const info = { ...accountInfo, models: [{ id: 'k2', name: 'Kimi K2' }] } as unknown as ServiceInfo
  render(
    <TestApp client={client} info={info}>
      <Usage asked={{ from: '2026-05-01', to: '2026-05-07' }} hasAccount now={new Date(2026, 4, 7)} onChoose={() => {}} />
    </TestApp>,
  )
  await screen.findByRole('region', { name: 'By day' })
  return { asked, chart: screen.getByRole('slider', { name: 'By day' }) }
}

/** The cells of a table's column as they are read, those of the last row apart. */
function column(table: HTMLElement, at: number): { cells: string[]; all: string } {
  const cells = within(table)
    .getAllByRole('row')
    .slice(1)
    .map((row) => row.querySelectorAll('td')[at]?.textContent ?? '')
  return { cells: cells.slice(0, -1), all: cells.at(-1) ?? '' }
}

const count = (text: string) => Number(text.replaceAll(',', ''))

it('four numbers are the query’s sums, and the file is of the same days', async () => {
  const { asked } = await show()
  const totals = screen.getAllByRole('term').map((term) => term.parentElement?.textContent)
  expect(totals).toEqual([
    'Credits12.6exactly 12.600003',
    'Tokens read2,70033% from the cache',
    'Tokens written1,350250 of them reasoning',
    'Requests62.1 credits each',
  ])
  const file = new URL(screen.getByRole('link', { name: 'Download as CSV' }).getAttribute('href') ?? '', 'http://x')
  expect(file.pathname).toBe('/billing/usage.csv')
  expect(Object.fromEntries(file.searchParams)).toEqual(asked[0]?.variables)
})

it('tells what each key used, and the app itself: P26', async () => {
  await show()
  const table = screen.getByRole('table', { name: 'Usage by key' })
  const read = () =>
    within(table)
      .getAllByRole('row')
      .slice(1)
      .map((row) => [row.querySelector('th')?.textContent, row.querySelector('td:last-child')?.textContent])
  await expect.poll(read).toEqual([
    ['This app', '9.600003'],
    ['Nightly report', '3'],
    ['All', '12.600003'],
  ])
})

it.each([
  ['Credits', [0, 6.6, 0, 0, 6, 0, 0], 'credits', '12.6 credits'],
  ['Tokens', [0, 1_750, 0, 0, 2_300, 0, 0], 'tokens', '4,050 tokens'],
  ['Requests', [0, 3, 0, 0, 3, 0, 0], 'requests', '6 requests'],
])('the chart of %s reads out each day, its bars are as high, and all are the total', async (measure, sizes, unit, all) => {
  const { chart } = await show()
  await userEvent.click(screen.getByRole('button', { name: measure }))
  const section = screen.getByRole('region', { name: 'By day' })
  expect(section.querySelector('p')?.textContent).toMatch(new RegExp(`${all}$`))

  chart.focus()
  await userEvent.keyboard('{Home}')
  const told: number[] = []
  for (let day = 0; day < sizes.length; day++) {
    const words = chart.getAttribute('aria-valuetext') ?? ''
    const shown = words.slice(words.lastIndexOf(': ') + 2)
    expect(shown).toMatch(new RegExp(`^[0-9.,]+ ${unit}$`))
    expect(section.querySelector('p')?.textContent).toMatch(new RegExp(`${shown.replaceAll('.', '\\.')}$`))
    told.push(count(shown.split(' ')[0] ?? ''))
    await userEvent.keyboard('{ArrowRight}')
  }
  expect(told).toEqual(sizes)

  // The upper and the lower end of what is drawn of each day: each part's path begins at its foot.
  const heights = [...chart.querySelectorAll('.bar')].map((bar) => {
    const boxes = [...bar.querySelectorAll('path')].map((path) => {
      const [, foot = '0', side = '0', corner = '0'] =
        /^M[\d.]+,([\d.]+)V([\d.]+)q0,-?([\d.]+)/.exec(path.getAttribute('d') ?? '') ?? []
      return Number(foot) - Number(side) + Number(corner)
    })
    return boxes.reduce((high, box) => high + box, 0)
  })
  const perUnit = (heights[4] ?? 0) / (sizes[4] ?? 1)
  expect(perUnit).toBeGreaterThan(0)
  heights.forEach((height, day) => expect(height).toBeCloseTo(perUnit * (sizes[day] ?? 0), 3))
})

it('the table of days adds up to the query’s sums, to the last digit', async () => {
  await show()
  await userEvent.click(screen.getByRole('button', { name: 'Show as a table' }))
  const table = screen.getByRole('table', { name: 'Usage by day' })
  for (const [at, want] of [total.acts, total.promptTokens, total.cachedTokens, total.outputTokens].entries()) {
    const { cells, all } = column(table, at)
    expect(cells).toHaveLength(2)
    expect(cells.reduce((whole, cell) => whole + count(cell), 0)).toBe(want)
    expect(count(all)).toBe(want)
  }
  const { cells, all } = column(table, 4)
  expect(cells).toEqual(['6.000002', '6.600001'])
  expect(sumOf(cells)).toBe(total.credits)
  expect(all).toBe(total.credits)
})

it('models, purposes and kinds of tokens add up to the same', async () => {
  await show()
  const { cells, all } = column(screen.getByRole('table', { name: 'Usage by model' }), 4)
  expect(cells).toEqual(['12.100002', '0.500001'])
  expect(sumOf(cells)).toBe(all)

  const purposes = within(screen.getByRole('region', { name: 'For what' }))
  const shown = purposes.getAllByRole('listitem').map((row) => row.textContent)
  expect(shown).toEqual(['Messages76%9.6', 'Programs24%3'])
  const exact = purposes.getAllByRole('listitem').map((row) => row.querySelector('data')?.value ?? '')
  expect(microOf(sumOf(exact))).toBe(microOf(total.credits))

  const tokens = within(screen.getByRole('region', { name: 'Tokens' }))
  expect(tokens.getByText('4,050')).toBeTruthy()
  const kinds = tokens.getAllByRole('listitem').map((row) => row.querySelector('span:last-child')?.textContent ?? '')
  expect(kinds).toEqual(['1,800', '900', '1,100', '250'])
  expect(kinds.reduce((whole, kind) => whole + count(kind), 0)).toBe(total.promptTokens + total.outputTokens)
})
