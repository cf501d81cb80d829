import { expect, test } from 'vitest'
import { groupRows } from './group-rows'

test('tables without a word of their own are one sum, and the order is always the same', () => {
  const tables = [
    { table: 'usage_rows', rows: 3 },
    { table: 'messages', rows: 4 },
    { table: 'owners', rows: 1 },
    { table: 'conversations', rows: 2 },
    { table: 'api_keys', rows: 0 },
  ]
  expect(groupRows(tables)).toEqual([
    { name: 'conversations', rows: 2 },
    { name: 'messages', rows: 4 },
    { name: 'others', rows: 4 },
  ])
  expect(groupRows([])).toEqual([])
})
