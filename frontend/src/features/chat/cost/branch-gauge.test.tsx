import { fireEvent, render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import type { MessagePartsFragment } from '@/gql/graphql'
import type { ServiceInfo } from '@/lib/service-info'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { BranchGauge } from './branch-gauge'

interface Answer {
  credits?: string | null
  tokens?: [read: number, written: number, reasoning: number]
  dropped?: number
}

const message = ({ credits = null, tokens, dropped = 0 }: Answer, at: number) => ({
  id: `msg_${at}`,
  credits,
  droppedMessages: dropped,
  usage: tokens
    ? { promptTokens: tokens[0], cachedTokens: 0, outputTokens: tokens[1], reasoningTokens: tokens[2], estimated: false }
    : null,
})

function show(answers: Answer[], { modelId = 'k2', kind = 'ACCOUNT' } = {}) {
  const info = {
    ...accountInfo,
    viewer: { ...accountInfo.viewer, kind },
    models: [
      { id: 'k2', name: 'Kimi K2', contextTokens: 10_000 },
      { id: 'mini', name: 'Mini', contextTokens: 1_000 },
    ],
  } as unknown as ServiceInfo
  const { container } = render(
    <TestApp client={testClient({}).client} info={info}>
      <BranchGauge
        conversationId="cnv_1"
        messages={answers.map(message) as unknown as MessagePartsFragment[]}
        hasOlder={false}
        modelId={modelId}
      />
    </TestApp>,
  )
  return container
}

/** Which part of the ring is drawn, and in which colour. */
function ring(container: HTMLElement): { share: number; tone: string } {
  const drawn = container.querySelectorAll('circle')[1]
  const [part = '', whole = ''] = drawn?.getAttribute('stroke-dasharray')?.split(' ') ?? []
  return { share: Number(part) / Number(whole), tone: drawn?.getAttribute('class') ?? '' }
}

/** What it says when it is pressed. */
function details(): HTMLElement {
  const box = screen.getByRole('dialog', { hidden: true })
  fireEvent(box, Object.assign(new Event('toggle'), { newState: 'open' }))
  return box
}

const branch: Answer[] = [
  {},
  { credits: '0.1', tokens: [1_000, 500, 0] },
  {},
  { credits: '0.200001', tokens: [2_000, 900, 400] },
  {},
]

it('is as full as the last answer read and wrote, reasoning apart, of what the model can read', () => {
  const container = show(branch)
  expect(screen.getByRole('button').getAttribute('aria-label')).toBe('Context: 25%, this branch: 0.3 credits')
  expect(screen.getByRole('button').textContent).toBe('25%· 0.3 credits')
  expect(ring(container).share).toBeCloseTo(0.25)
  const said = details().textContent
  expect(said).toContain('About 2,500 of the 10,000 tokens that Kimi K2 can read.')
  expect(said).toContain('This branch2 answers0.300001 credits')
  expect(said).toContain('When it is full, the oldest messages aren’t shown')
})

it.each<[number, string, string]>([
  [20, '0.2%', 'stroke-tide'],
  [7_400, '74%', 'stroke-tide'],
  [7_500, '75%', 'stroke-warn'],
  [9_500, '95%', 'stroke-danger'],
  [12_000, '100%', 'stroke-danger'],
])('%i tokens of 10,000 are %s', (read, words, tone) => {
  const container = show([{ tokens: [read, 0, 0] }])
  expect(screen.getByRole('button').textContent).toBe(words)
  expect(ring(container).tone).toBe(tone)
  expect(ring(container).share).toBeCloseTo(Math.min(1, read / 10_000))
})

it('says how many messages no longer fit', () => {
  show([{ tokens: [9_000, 100, 0], dropped: 3 }])
  expect(details().textContent).toContain('The oldest 3 messages no longer fit')
})

it('measures against the model of the last answer', () => {
  show(branch, { modelId: 'mini' })
  expect(screen.getByRole('button').textContent).toMatch(/^100%/)
})

it('shows guests no cost, and nothing at all while nothing is known', () => {
  expect(show([{}], {}).textContent).toBe('')
  expect(show(branch, { modelId: 'gone' }).textContent).toBe('')
  show(branch, { kind: 'GUEST' })
  expect(screen.getByRole('button').getAttribute('aria-label')).toBe('Context: 25%')
  expect(details().textContent).not.toContain('This branch')
})
