import { expect, it } from 'vitest'
import type { MessagePartsFragment } from '@/gql/graphql'
import { before, branchMarkdown, turnsOf } from './turns'

function message(id: string, role: 'USER' | 'ASSISTANT', text = id): MessagePartsFragment {
  return {
    id,
    role,
    text,
    reasoning: '',
    reasoningMs: null,
    status: 'COMPLETE',
    lastSeq: 1,
    engineName: null,
    finishReason: null,
    droppedMessages: 0,
    createdAt: '2026-01-01T00:00:00.000000Z',
    model: role === 'ASSISTANT' ? { id: 'm', name: 'Model', trillionMoe: false } : null,
    error: null,
    usage: null,
    credits: null,
    siblings: [],
  }
}

const branch = [message('q1', 'USER'), message('a1', 'ASSISTANT'), message('q2', 'USER')]

it('pairs questions with answers, and keeps what stands alone', () => {
  expect(turnsOf(branch).map(({ question, answer }) => [question?.id, answer?.id])).toEqual([
    ['q1', 'a1'],
    ['q2', undefined],
  ])
  expect(turnsOf(branch.slice(1)).map(({ question, answer }) => [question?.id, answer?.id])).toEqual([
    [undefined, 'a1'],
    ['q2', undefined],
  ])
})

it('cuts a branch before a message, or leaves it whole', () => {
  expect(before(branch, 'q2').map(({ id }) => id)).toEqual(['q1', 'a1'])
  expect(before(branch, 'elsewhere')).toHaveLength(3)
})

it('writes a branch as Markdown', () => {
  expect(branchMarkdown('Title', branch.slice(0, 2), { you: 'You' })).toBe('# Title\n\n## You\n\nq1\n\n## Model\n\na1\n')
})
