import { expect, it } from 'vitest'
import { type BranchPage, withTurn } from './branch'

const page = (ids: string[], hasNextPage = false): BranchPage<{ id: string }> => ({
  edges: ids.map((id) => ({ cursor: id, node: { id } })),
  pageInfo: { hasNextPage, endCursor: ids.at(-1) ?? null },
})
const ids = (found: BranchPage<{ id: string }> | null) => found?.edges.map(({ node }) => node.id) ?? null
const turn = [{ id: 'q9' }, { id: 'a9' }] as const

it.each([
  ['a new turn follows the leaf', page(['a2', 'q2', 'a1', 'q1']), 'a2', ['a9', 'q9', 'a2', 'q2', 'a1', 'q1']],
  ['an edit follows an earlier answer', page(['a2', 'q2', 'a1', 'q1']), 'a1', ['a9', 'q9', 'a1', 'q1']],
  ['an edit of the first question begins the branch', page(['a1', 'q1']), null, ['a9', 'q9']],
  ['the first turn of a conversation', page([]), null, ['a9', 'q9']],
  ['the same turn again changes nothing', page(['a9', 'q9', 'a1', 'q1']), 'a1', ['a9', 'q9', 'a1', 'q1']],
  [
    'another answer takes the place of what followed the question',
    page(['a3', 'q3', 'a2', 'q9', 'a1', 'q1']),
    'a1',
    ['a9', 'q9', 'a1', 'q1'],
  ],
  ['a parent that isn’t loaded', page(['a3', 'q3'], true), 'a1', null],
  ['a first question that isn’t loaded', page(['a3', 'q3'], true), null, null],
])('%s', (_name, before, parent, want) => {
  expect(ids(withTurn(before, turn[0], turn[1], parent))).toEqual(want)
})
