import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { curlOf, operationAt, operationsOf, titleOf, variablesOf } from './document'

const two = `query A { viewer { id } }

subscription B($id: ID!) { replyEvents(replyId: $id) { __typename } }`

describe('a document of the playground', () => {
  it('is read for its operations, and has none while it can’t be read', () => {
    expect(operationsOf(two).map(({ name, kind }) => [name, kind])).toEqual([
      ['A', 'query'],
      ['B', 'subscription'],
    ])
    expect(operationsOf('{ viewer { id } }')[0]).toMatchObject({ name: null, kind: 'query' })
    expect(operationsOf('query {')).toEqual([])
  })

  it('is run where the cursor is', () => {
    const operations = operationsOf(two)
    expect(operationAt(operations, 3)?.name).toBe('A')
    expect(operationAt(operations, 26)?.name).toBe('A')
    expect(operationAt(operations, two.length)?.name).toBe('B')
    expect(operationAt([], 3)).toBeUndefined()
  })

  it('is called after its operations, also while it is half written', () => {
    expect(titleOf(two)).toBe('A, B')
    expect(titleOf('{a}')).toBe('query')
    expect(titleOf('query Half {')).toBe('Half')
    expect(titleOf('')).toBe(null)
  })

  it('takes variables that are an object', () => {
    expect(variablesOf(' ')).toEqual({})
    expect(variablesOf('{"a": [1]}')).toEqual({ a: [1] })
    for (const text of ['[1]', '"a"', 'null', '{a: 1}']) expect(variablesOf(text)).toBe(null)
  })
})

describe('a copied command', () => {
  it('survives every quote: the shell sees the same body', () => {
    const query = `query { say(text: "it's $HOME \`here\` \\"now\\"") }`
    const command = curlOf('http://127.0.0.1:1', query, { text: `o'clock` }, undefined)
    const printed = execFileSync('bash', ['-c', `curl() { printf '%s\\n' "\${@: -1}"; }\n${command}`], { encoding: 'utf8' })
    expect(JSON.parse(printed)).toEqual({ query, variables: { text: `o'clock` } })
  })

  it('P90: holds no key, and streams what is a subscription', () => {
    const command = curlOf('http://a', two, {}, operationsOf(two)[1])
    expect(command).toContain('Bearer $KIMI_API_KEY')
    expect(command).toContain('text/event-stream')
    expect(command).toContain('"operationName":"B"')
  })
})
