import { gql } from '@urql/core'
import { type Cache, cacheExchange, type DataFields, type UpdateResolver } from '@urql/exchange-graphcache'
import { type ConversationRowFragment, ConversationsDocument, type MessagePartsFragment, ThreadDocument } from '@/gql/graphql'
import { type BranchPage, withTurn } from './branch'
import { embeddedTypes } from './embedded-types'
import { chained } from './pages'

type Row = ConversationRowFragment & { leaf?: { id: string } | null }

/** What a send, an edit and a regeneration return, without masks. */
interface Sent {
  conversation: Row | null
  message: (MessagePartsFragment & { parent: { id: string } | null }) | null
  reply: MessagePartsFragment | null
}

interface Thread {
  viewer: { conversation: (Row & { branch: BranchPage<MessagePartsFragment> }) | null }
}

interface List {
  viewer: { conversations: { edges: { cursor: string; node: { id: string } }[] } }
}

/** Puts a turn on the branch on show; where that isn't loaded far enough the server is asked. */
function writeTurn(cache: Cache, { conversation, message, reply }: Sent): void {
  if (!conversation || !message || !reply) return
  const variables = { id: conversation.id }
  let known = true
  cache.updateQuery({ query: ThreadDocument, variables }, (data) => {
    const thread = data as unknown as Thread | null
    const before = thread?.viewer.conversation?.branch ?? (message.parent ? null : emptyBranch())
    const branch = before && withTurn(before, message, reply, message.parent?.id ?? null)
    known = branch !== null
    return branch ? (threadOf({ ...conversation, leaf: reply }, branch) as unknown as typeof data) : data
  })
  if (!known) cache.invalidate({ __typename: 'Conversation', id: conversation.id }, 'branch')
  addToList(cache, conversation)
}

function emptyBranch(): BranchPage<MessagePartsFragment> {
  return { edges: [], pageInfo: { hasNextPage: false, endCursor: null } }
}

function threadOf(conversation: Row, branch: BranchPage<MessagePartsFragment>) {
  return {
    __typename: 'Query',
    viewer: {
      __typename: 'Viewer',
      conversation: {
        ...conversation,
        branch: {
          __typename: 'MessageConnection',
          ...branch,
          pageInfo: { __typename: 'PageInfo', ...branch.pageInfo },
        },
      },
    },
  }
}

function changeList(cache: Cache, change: (edges: List['viewer']['conversations']['edges']) => typeof edges): void {
  cache.updateQuery({ query: ConversationsDocument, variables: {} }, (data) => {
    const list = data as unknown as List | null
    if (!list) return data
    const { viewer } = list
    const edges = change(viewer.conversations.edges)
    if (edges === viewer.conversations.edges) return data
    return { ...list, viewer: { ...viewer, conversations: { ...viewer.conversations, edges } } } as unknown as typeof data
  })
}

function addToList(cache: Cache, conversation: { id: string }): void {
  changeList(cache, (edges) => {
    if (edges.some(({ node }) => node.id === conversation.id)) return edges
    const edge = { __typename: 'ConversationEdge', cursor: conversation.id, node: { __typename: 'Conversation', ...conversation } }
    return [edge, ...edges]
  })
}

function removeFromList(cache: Cache, id: string): void {
  changeList(cache, (edges) => edges.filter(({ node }) => node.id !== id))
  cache.invalidate({ __typename: 'Conversation', id })
}

/** Conversations are gone, perhaps all: those that are known are asked for again. */
function forgetAll(cache: Cache): void {
  changeList(cache, (edges) => {
    for (const { node } of edges) cache.invalidate({ __typename: 'Conversation', id: node.id })
    return edges
  })
  forgetFields(cache, 'conversations')
}

const onSent =
  (field: string): UpdateResolver =>
  (result, _args, cache) =>
    writeTurn(cache, (result as Record<string, unknown>)[field] as Sent)

const onDeleted: UpdateResolver = (result, _args, cache) => {
  const { deletedId } = result.conversationDelete as { deletedId: string | null }
  if (deletedId) removeFromList(cache, deletedId)
}

const viewerGate = gql`
  fragment ViewerGate on Viewer {
    gate {
      ageConfirmed
      ageRefused
      policyAccepted
      policyVersion
      news { version }
    }
  }
`

/** What was answered counts for the viewer at once. */
const onGate =
  (field: string): UpdateResolver =>
  (result, _args, cache) => {
    const { gate } = result[field] as { gate: object | null }
    if (gate) cache.writeFragment(viewerGate, { __typename: 'Viewer', gate: { __typename: 'Gate', ...gate } })
  }

/** Lists of choices are asked for again: each shows other things of them. */
const onConsent: UpdateResolver = (_result, _args, cache) => {
  cache.invalidate({ __typename: 'Viewer' }, 'consents')
}

type ViewerEvent =
  | { __typename: 'ConversationChanged'; conversation: Row }
  | { __typename: 'ConversationDeleted'; conversationId: string }
  | { __typename: 'ConversationsDeleted' }
  | { __typename: 'ReplyStarted' | 'ReplyEnded'; conversationId: string; reply: { id: string } }
  | { __typename: 'CreditsChanged'; credits: object }
  | { __typename: 'PurchaseChanged'; purchase: { id: string } }

const viewerCredits = gql`
  fragment ViewerCredits on Viewer {
    credits {
      balance
      held
      available
      owed
      low
      lowThreshold
      lowNotice
    }
  }
`

/** The balance is another at once; lists of what moved it are asked for again. */
function setCredits(cache: Cache, credits: object): void {
  cache.writeFragment(viewerCredits, { __typename: 'Viewer', credits: { __typename: 'CreditBalance', ...credits } })
  forgetFields(cache, 'ledgerEntries')
}

function forgetFields(cache: Cache, name: string): void {
  const viewer = { __typename: 'Viewer' }
  for (const { fieldName, arguments: args } of cache.inspectFields(viewer)) {
    if (fieldName === name) cache.invalidate(viewer, fieldName, args)
  }
}

/** What the account's own settings of the notice became. */
const onCreditNotice: UpdateResolver = (result, _args, cache) => {
  const { credits } = result.creditNoticeUpdate as { credits: object | null }
  if (credits) cache.writeFragment(viewerCredits, { __typename: 'Viewer', credits: { __typename: 'CreditBalance', ...credits } })
}

const onViewerEvent: UpdateResolver = (result, _args, cache) => {
  const event = result.viewerEvents as unknown as ViewerEvent
  if (event.__typename === 'ConversationChanged') addToList(cache, event.conversation)
  if (event.__typename === 'ConversationDeleted') removeFromList(cache, event.conversationId)
  if (event.__typename === 'ConversationsDeleted') forgetAll(cache)
  if (event.__typename === 'CreditsChanged') setCredits(cache, event.credits)
  if (event.__typename === 'PurchaseChanged') forgetFields(cache, 'payments')
  if (event.__typename === 'ReplyStarted') setActive(cache, event.conversationId, () => event.reply.id)
  if (event.__typename === 'ReplyEnded') setActive(cache, event.conversationId, (now) => (now === event.reply.id ? null : now))
}

const activeReply = gql`
  fragment ActiveReply on Conversation {
    id
    activeReply {
      id
    }
  }
`

/** Notes which reply of a known conversation is being written. */
function setActive(cache: Cache, id: string, next: (now: string | null) => string | null): void {
  const known = cache.readFragment(activeReply, { __typename: 'Conversation', id }) as { activeReply: { id: string } | null } | null
  if (!known) return
  const reply = next(known.activeReply?.id ?? null)
  cache.writeFragment(activeReply, {
    __typename: 'Conversation',
    id,
    activeReply: reply === null ? null : { __typename: 'Message', id: reply },
  })
}

/** What a rename or a pin will look like, before the server says so. */
function expectUpdate(args: Record<string, unknown>): DataFields {
  const input = args.input as { conversationId: string; title?: string; pinned?: boolean; leafId?: string }
  const { conversationId: id, title, pinned } = input
  const changed = {
    __typename: 'Conversation',
    id,
    ...(title === undefined ? {} : { title }),
    ...(pinned === undefined ? {} : { pinned }),
  }
  // Only the server knows a branch.
  const conversation = input.leafId === undefined ? changed : null
  return { __typename: 'ConversationUpdatePayload', conversation, userErrors: [] }
}

/** The normalised cache: one viewer, one service, nouns by id, everything else inside its owner. */
export const normalisedCache = () =>
  cacheExchange({
    keys: {
      ...embeddedTypes,
      Viewer: () => 'viewer',
      Service: () => 'service',
      PolicyVersion: ({ version }) => (typeof version === 'string' ? version : null),
      Operator: () => 'operator',
    },
    possibleTypes: {
      Node: ['Conversation', 'Message'],
      UserError: ['InputError', 'GuestLimitError', 'RateLimitError', 'InsufficientCreditsError'],
      ViewerEvent: [
        'ConversationChanged',
        'ConversationDeleted',
        'ConversationsDeleted',
        'ReplyStarted',
        'ReplyEnded',
        'CreditsChanged',
        'PurchaseChanged',
      ],
    },
    resolvers: {
      Viewer: chained('conversations', 'payments', 'ledgerEntries', 'accessLog', 'shares'),
      Conversation: chained('branch'),
      Operator: chained('mails', 'audit', 'notices', 'quarantine', 'comparisons', 'oddUsage', 'bookChecks'),
    },
    optimistic: { conversationUpdate: expectUpdate },
    updates: {
      Mutation: {
        messageSend: onSent('messageSend'),
        messageEdit: onSent('messageEdit'),
        replyRegenerate: onSent('replyRegenerate'),
        conversationDelete: onDeleted,
        ageConfirm: onGate('ageConfirm'),
        policyAccept: onGate('policyAccept'),
        consentSet: onConsent,
        creditNoticeUpdate: onCreditNotice,
      },
      Subscription: { viewerEvents: onViewerEvent },
    },
  })
