import { Client, fetchExchange, type TypedDocumentNode } from '@urql/core'
import { beforeEach, expect, it, vi } from 'vitest'
import * as documents from '@/gql/graphql'
import trusted from '../../../documents.json'
import { normalisedCache } from '../graphql/cache'
import { fetchByHash, isUnknown, wireForm } from './by-hash'
import { payloadOf } from './payload'

const known = Object.keys(trusted)
const operations = Object.entries(documents).filter(([name]) => name.endsWith('Document')) as [string, TypedDocumentNode<unknown>][]
const unknownHash = { errors: [{ message: 'unknown', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] }

let sent: Record<string, unknown>[]
let answers: (() => Response)[]

beforeEach(() => {
  sent = []
  answers = []
  vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
    sent.push(JSON.parse(init.body as string) as Record<string, unknown>)
    return Promise.resolve(answers.shift()?.() ?? Response.json({ data: {} }))
  })
})

it.each(operations)('R-GQL: the server knows %s, asked for through the cache and past it', async (_, document) => {
  const client = new Client({
    url: '/graphql',
    preferGetMethod: false,
    fetch: fetchByHash as typeof fetch,
    exchanges: [normalisedCache(), fetchExchange],
  })
  const kind = document.definitions.find((one) => one.kind === 'OperationDefinition')?.operation
  if (kind === 'query') await client.query(document, {}, { requestPolicy: 'network-only' }).toPromise()
  else if (kind === 'mutation') await client.mutation(document, { input: { conversationId: 'con_1' } }).toPromise()
  await fetchByHash('/graphql', { body: JSON.stringify(payloadOf(document, {})) })
  expect(sent).toHaveLength(kind === 'subscription' ? 1 : 2)
  for (const body of sent) {
    expect(body.query).toBeUndefined()
    expect(known).toContain((body.documentId as string).replace('sha256:', ''))
  }
})

it('a hash that the server doesn’t know is followed by the text, from then on at once', async () => {
  const payload = { query: 'query New { viewer { id } }', operationName: 'New', variables: { a: 1 } }
  const ask = () => fetchByHash('/graphql', { body: JSON.stringify(payload) })
  answers = [() => Response.json(unknownHash, { status: 400 })]
  expect((await ask()).ok).toBe(true)
  await ask()
  expect(sent).toEqual([
    { documentId: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), operationName: 'New', variables: { a: 1 } },
    payload,
    payload,
  ])
})

it('another refusal is handed on as it is', async () => {
  answers = [() => Response.json({ errors: [{ message: 'no' }] }, { status: 400 })]
  const response = await fetchByHash('/graphql', { body: JSON.stringify({ query: 'query Other { viewer { id } }' }) })
  expect(await response.json()).toEqual({ errors: [{ message: 'no' }] })
  expect(sent).toHaveLength(1)
})

it('a refusal of the text is final', async () => {
  const payload = { query: 'query Refused { viewer { id } }' }
  const [first, second] = [await wireForm(payload), await wireForm(payload)]
  expect(isUnknown(payload, first, ['FORBIDDEN'])).toBe(false)
  expect(isUnknown(payload, first, ['PERSISTED_QUERY_NOT_FOUND'])).toBe(true)
  expect(isUnknown(payload, second, ['PERSISTED_QUERY_NOT_FOUND'])).toBe(true)
  expect(await wireForm(payload)).toBe(payload)
  expect(isUnknown(payload, payload, ['PERSISTED_QUERY_NOT_FOUND'])).toBe(false)
})

it('where browsers don’t hash, texts are sent', async () => {
  vi.stubGlobal('crypto', {})
  const payload = { query: 'query Plain { viewer { id } }' }
  expect(await wireForm(payload)).toBe(payload)
  vi.unstubAllGlobals()
})

it('a client that names no document has its hash sent all the same', async () => {
  const payload = { query: 'subscription Named { a }', documentId: undefined }
  expect(await wireForm(payload)).toEqual({ documentId: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) })
})
