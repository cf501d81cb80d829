import { expect, it } from 'vitest'
import { examples, freshVariables } from './examples'

it('sends another message each time that the example of one is opened', () => {
  const sending = examples.filter(({ query }) => query.includes('messageSend'))
  expect(sending).not.toEqual([])
  for (const example of sending) {
    const [first, second] = [freshVariables(example), freshVariables(example)].map(
      (text) => (JSON.parse(text) as { input: { clientId: string } }).input.clientId,
    )
    expect(first).toMatch(/^[0-9a-f-]{36}$/)
    expect(second).not.toBe(first)
  }
})
