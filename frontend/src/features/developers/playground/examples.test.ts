import { parse } from 'graphql'
import { expect, it } from 'vitest'
import { examples } from './examples'

it('every example is a document with variables that are JSON', () => {
  for (const { query, variables } of examples) {
    expect(() => parse(query)).not.toThrow()
    expect(() => JSON.parse(variables() || '{}')).not.toThrow()
  }
})

it('a message is sent under an id of its own each time the example is opened', () => {
  const send = examples.find(({ query }) => query.includes('messageSend(input'))
  const ids = [1, 2].map(() => (JSON.parse(send?.variables() ?? '') as { input: { clientId: string } }).input.clientId)
  expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/)
  expect(ids[1]).not.toBe(ids[0])
})
