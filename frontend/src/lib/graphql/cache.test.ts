import {
  type AnyVariables,
  Client,
  type Exchange,
  makeOperation,
  type Operation,
  type OperationContext,
  type OperationResult,
  type TypedDocumentNode,
} from '@urql/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { filter, map, pipe } from 'wonka'
import {
  ConversationDeleteDocument,
  ConversationPinDocument,
  ConversationsDocument,
  ConversationSearchDocument,
  MessageSendDocument,
  ThreadDocument,
} from '@/gql/graphql'
import type { BranchPage } from './branch'
import { normalisedCache } from './cache'

type Answer = (variables: Record<string, unknown>) => unknown

let answers: Record<string, Answer>
let asked: string[]

function nameOf(operation: Operation): string {
  const definition = operation.query.definitions.find((one) => one.kind === 'OperationDefinition')
  return definition?.name?.value ?? ''
}

const server: Exchange = () => (operations) =>
  pipe(
    operations,
    filter((operation) => operation.kind !== 'teardown'),
    map((operation): OperationResult => {
      const name = nameOf(operation)
      asked.push(name)
      const data = answers[name]?.(operation.variables as Record<string, unknown>)
      return { operation: makeOperation(operation.kind, operation), data, stale: false, hasNext: false } as OperationResult
    }),
  )

let client: Client

const row = (id: string, more: object = {}) => ({
  __typename: 'Conversation',
  id,
  title: id,
  pinned: false,
  updatedAt: '2026-01-01T00:00:00.000000Z',
  activeReply: null,
  ...more,
})
const info = (hasNextPage: boolean, endCursor: string | null) => ({ __typename: 'PageInfo', hasNextPage, endCursor })
const message = (id: string, role: string, more: object = {}) => ({
  __typename: 'Message',
  id,
  role,
  text: id,
  reasoning: '',
  reasoningMs: null,
  status: 'COMPLETE',
  lastSeq: 1,
  engineName: null,
  finishReason: null,
  droppedMessages: 0,
  createdAt: '2026-01-01T00:00:00.000000Z',
  model: null,
  error: null,
  usage: null,
  credits: null,
  siblings: [{ __typename: 'Message', id }],
  ...more,
})
const viewer = (more: object) => ({ viewer: { __typename: 'Viewer', id: 'own_1', ...more } })
const list = (ids: string[], pageInfo: object) =>
  viewer({
    conversations: {
      __typename: 'ConversationConnection',
      edges: ids.map((id) => ({ __typename: 'ConversationEdge', cursor: id, node: row(id) })),
      pageInfo,
    },
  })
const thread = (ids: string[], pageInfo: object = info(false, null)) =>
  viewer({
    conversation: row('con_1', {
      leaf: { __typename: 'Message', id: ids[0] },
      branch: {
        __typename: 'MessageConnection',
        edges: ids.map((id) => ({
          __typename: 'MessageEdge',
          cursor: id,
          node: message(id, id[0] === 'q' ? 'USER' : 'ASSISTANT'),
        })),
        pageInfo,
      },
    }),
  })

beforeEach(() => {
  asked = []
  answers = {}
  client = new Client({ url: '/graphql', preferGetMethod: false, exchanges: [normalisedCache(), server] })
})

async function ask<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  context?: Partial<OperationContext>,
): Promise<Data> {
  const { data } = await client.query(document, variables, context).toPromise()
  if (data === undefined) throw new Error('nothing in the cache')
  return data
}
const listed = async () => {
  const data = await ask(ConversationsDocument, {}, { requestPolicy: 'cache-only' })
  return data.viewer.conversations.edges.map(({ node }) => (node as { id?: string }).id)
}
const shown = async (id: string) => {
  const data = await ask(ThreadDocument, { id }, { requestPolicy: 'cache-only' })
  const branch = data.viewer.conversation?.branch as unknown as BranchPage<{ id: string }> | undefined
  return branch?.edges.map(({ node }) => node.id)
}

describe('pages of conversations', () => {
  beforeEach(async () => {
    answers.Conversations = ({ after }) => (after ? list(['b', 'c', 'd'], info(false, 'd')) : list(['a', 'b'], info(true, 'b')))
    await ask(ConversationsDocument, {})
  })

  it('are one list, each conversation once', async () => {
    await ask(ConversationsDocument, { after: 'b' }, { requestPolicy: 'network-only' })
    expect(await listed()).toEqual(['a', 'b', 'c', 'd'])
  })

  it('are asked for once', async () => {
    await ask(ConversationsDocument, {})
    expect(asked).toEqual(['Conversations'])
  })

  it('lose a deleted conversation', async () => {
    answers.ConversationDelete = () => ({
      __typename: 'Mutation',
      conversationDelete: { __typename: 'ConversationDeletePayload', deletedId: 'a', userErrors: [] },
    })
    await client.mutation(ConversationDeleteDocument, { input: { conversationId: 'a' } }).toPromise()
    expect(await listed()).toEqual(['b'])
  })

  it('show a pin before the server has confirmed it', async () => {
    const result = client.mutation(ConversationPinDocument, { input: { conversationId: 'b', pinned: true } })
    answers.ConversationPin = () => ({
      __typename: 'Mutation',
      conversationUpdate: { __typename: 'ConversationUpdatePayload', conversation: row('b', { pinned: true }), userErrors: [] },
    })
    await result.toPromise()
    const data = await ask(ConversationsDocument, {}, { requestPolicy: 'cache-only' })
    expect(data.viewer.conversations.edges[1]?.node).toMatchObject({ pinned: true })
  })
})

describe('sending', () => {
  const sent = (parent: string | null, conversation = 'con_1') => ({
    __typename: 'Mutation',
    messageSend: {
      __typename: 'MessageSendPayload',
      conversation: row(conversation, { leaf: { __typename: 'Message', id: 'a9' } }),
      message: message('q9', 'USER', { parent: parent === null ? null : { __typename: 'Message', id: parent } }),
      reply: message('a9', 'ASSISTANT', { status: 'PENDING' }),
      viewer: {
        __typename: 'Viewer',
        id: 'own_1',
        kind: 'GUEST',
        guest: { __typename: 'GuestAllowance', messagesLeft: 3, messageLimit: 10 },
      },
      userErrors: [],
    },
  })
  const send = () => client.mutation(MessageSendDocument, { input: { clientId: 'x', text: 'q9' } }).toPromise()

  it('puts the turn at the end of the thread', async () => {
    answers.Thread = () => thread(['a1', 'q1'])
    await ask(ThreadDocument, { id: 'con_1' })
    answers.MessageSend = () => sent('a1')
    await send()
    expect(await shown('con_1')).toEqual(['a9', 'q9', 'a1', 'q1'])
  })

  it('keeps earlier pages that are loaded', async () => {
    answers.Thread = ({ after }) => (after ? thread(['a0', 'q0']) : thread(['a1', 'q1'], info(true, 'q1')))
    await ask(ThreadDocument, { id: 'con_1' })
    await ask(ThreadDocument, { id: 'con_1', after: 'q1' }, { requestPolicy: 'network-only' })
    answers.MessageSend = () => sent('a1')
    await send()
    expect(await shown('con_1')).toEqual(['a9', 'q9', 'a1', 'q1', 'a0', 'q0'])
  })

  it('makes a new conversation whole, so that its page needs no request', async () => {
    answers.Conversations = () => list(['a'], info(false, null))
    await ask(ConversationsDocument, {})
    answers.MessageSend = () => sent(null, 'con_new')
    await send()
    expect(await shown('con_new')).toEqual(['a9', 'q9'])
    expect(await listed()).toEqual(['con_new', 'a'])
    expect(asked).not.toContain('Thread')
  })
})

it('a search shows its places without a page’s end', async () => {
  answers.ConversationSearch = () =>
    viewer({
      conversations: {
        __typename: 'ConversationConnection',
        edges: [
          {
            __typename: 'ConversationEdge',
            cursor: 'a',
            node: row('a'),
            match: { __typename: 'TextMatch', messageId: null, snippet: 'a', start: 0, length: 1 },
          },
        ],
      },
    })
  const data = await ask(ConversationSearchDocument, { text: 'aa' })
  expect(data.viewer.conversations.edges[0]?.match?.snippet).toBe('a')
})
