import { expect, test } from 'vitest'
import type { TransparencyState } from '@/gql/graphql'
import { count, groupClauses } from './group-clauses'

const clause = (id: string, section: string, state: TransparencyState = 'GREEN') => ({
  id,
  section,
  state,
  title: `promise ${id}`,
  evidence: 'well',
  findings: [],
  checkedAt: null,
})

test('promises come by chapter, in the order of the policy', () => {
  const all = [clause('a', 'One'), clause('b', 'One'), clause('c', 'Two'), clause('d', 'One')]
  expect(groupClauses(all).map(({ title, clauses }) => [title, clauses.map(({ id }) => id).join('')])).toEqual([
    ['One', 'ab'],
    ['Two', 'c'],
    ['One', 'd'],
  ])
  expect(groupClauses([])).toEqual([])
})

test('promises are counted by state', () => {
  const all = [clause('a', 'One'), clause('b', 'One', 'RED'), clause('c', 'Two', 'RED')]
  expect([count(all, 'GREEN'), count(all, 'AMBER'), count(all, 'RED')]).toEqual([1, 0, 2])
})
