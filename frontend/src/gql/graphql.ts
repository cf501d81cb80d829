import { gql } from '@urql/core';
/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** What to change; fields that are left out stay. */
export type ConversationUpdateInput = {
  /** The conversation to change. */
  conversationId: string;
  /** 1 to 200 characters. */
  title?: string | null | undefined;
  /** Whether it stands above all others. */
  pinned?: boolean | null | undefined;
  /** Whether it is out of the usual list. */
  archived?: boolean | null | undefined;
  /** Show the branch through this message, down to its newest descendant. */
  leafId?: string | null | undefined;
};

/** Which conversation to delete. */
export type ConversationDeleteInput = {
  /** The conversation to delete. */
  conversationId: string;
};

/** Stable names of refusals. The list may grow; treat an unknown code like INTERNAL. */
export type ErrorCode =
  /** Nobody is signed in and this needs somebody. */
  | 'UNAUTHENTICATED'
  /** The request's origin or principal may not do this. */
  | 'FORBIDDEN'
  /** It doesn't exist, or isn't yours. */
  | 'NOT_FOUND'
  /** The input is wrong; message and field say how. */
  | 'INVALID'
  /** Another act is in the way, for example the same clientId with another body. */
  | 'CONFLICT'
  /** Too many requests; wait retryAfterMs. */
  | 'RATE_LIMITED'
  /** A guest has used all messages; signing in lifts the limit. */
  | 'GUEST_LIMIT_REACHED'
  /** The model isn't known or isn't served now; choose another. */
  | 'MODEL_UNAVAILABLE'
  /** The inference engine failed or can't be reached; try again. */
  | 'UPSTREAM_FAILED'
  /** The inference engine refuses more requests now; try again later. */
  | 'UPSTREAM_RATE_LIMITED'
  /** The inference engine refuses our key; the operator has to look. */
  | 'UPSTREAM_UNAUTHORIZED'
  /** The inference engine stopped sending; try again. */
  | 'UPSTREAM_STALLED'
  /** The conversation is longer than the model can read. */
  | 'CONTEXT_TOO_LONG'
  /** The server that wrote this reply is gone; its text so far is kept. Continue or regenerate. */
  | 'INTERRUPTED'
  /** The server's disk is full; nothing was changed. */
  | 'STORAGE_FULL'
  /** The database can't be reached; nothing was changed, try again. */
  | 'STORAGE_UNAVAILABLE'
  /** The server is shutting down; try again in a moment. */
  | 'SHUTTING_DOWN'
  /** The document is over a limit; extensions.cost says by how much. */
  | 'QUERY_TOO_COSTLY'
  /** Something failed on our side; the message carries a request id for support. */
  | 'INTERNAL';

/** Who speaks. */
export type MessageRole =
  /** The viewer. */
  | 'USER'
  /** The model. */
  | 'ASSISTANT';

/** How far a message is. Messages of the viewer are always COMPLETE. */
export type MessageStatus =
  /** The reply is accepted and waits for its first token. */
  | 'PENDING'
  /** Tokens are coming. */
  | 'STREAMING'
  /** The model finished. */
  | 'COMPLETE'
  /** The viewer stopped it. */
  | 'STOPPED'
  /** The server that wrote it is gone; the text so far is kept. */
  | 'INTERRUPTED'
  /** It failed; `error` says why. The text so far is kept. */
  | 'FAILED';

/** What to send, and where. */
export type MessageSendInput = {
  /** The caller's idempotency key: 1 to 100 characters, fresh for every message. */
  clientId: string;
  /** Left out: a new conversation. */
  conversationId?: string | null | undefined;
  /** The message it follows; left out: the branch on show. Null together with a conversation and no messages starts at the root. */
  parentId?: string | null | undefined;
  /** Markdown, not blank, at most 1 MiB of UTF-8. */
  text: string;
  /** Left out: the model of the last reply, else the default. */
  modelId?: string | null | undefined;
};

/** Which message to write anew, and how. */
export type MessageEditInput = {
  /** The caller's idempotency key: 1 to 100 characters, fresh for every edit. */
  clientId: string;
  /** The viewer's message to write anew. */
  messageId: string;
  /** Markdown, not blank, at most 1 MiB of UTF-8. */
  text: string;
  /** Left out: the model of the last reply, else the default. */
  modelId?: string | null | undefined;
};

/** Which reply to write anew. */
export type ReplyRegenerateInput = {
  /** The caller's idempotency key: 1 to 100 characters, fresh for every attempt. */
  clientId: string;
  /** The reply that gets a sibling. */
  replyId: string;
  /** Left out: the same model again. */
  modelId?: string | null | undefined;
};

/** Which reply to go on with. */
export type ReplyContinueInput = {
  /** A reply that is STOPPED, INTERRUPTED or FAILED. */
  replyId: string;
};

/** Which reply to stop. */
export type ReplyStopInput = {
  /** The reply to stop. */
  replyId: string;
};

/** Sorts of engines. */
export type EngineKind =
  /** The built-in demonstration: no model, canned answers. */
  | 'DEMO'
  /** An engine on this machine or in the operator's network. */
  | 'LOCAL'
  /** Somebody else's service. */
  | 'EXTERNAL';

/** Whether the engine answers. */
export type EngineState =
  /** It answers. */
  | 'OK'
  /** It failed lately; requests are tried. */
  | 'DEGRADED'
  /** It keeps failing; requests are refused for a moment. */
  | 'DOWN';

/** Sorts of principals. */
export type ViewerKind =
  /** Somebody who tries the service without an account. */
  | 'GUEST'
  /** Somebody who signed in. */
  | 'ACCOUNT'
  /** A program with an API key. */
  | 'API_KEY';

export type AppQueryVariables = Exact<{ [key: string]: never; }>;


export type AppQuery = { viewer: { ' $fragmentRefs'?: { 'GuestPartsFragment': GuestPartsFragment } }, models: Array<{ ' $fragmentRefs'?: { 'ModelPartsFragment': ModelPartsFragment } }>, service: { ' $fragmentRefs'?: { 'ServicePartsFragment': ServicePartsFragment } } };

type Refusal_InputError_Fragment = { __typename: 'InputError', code: ErrorCode, message: string, field: Array<string> | null } & { ' $fragmentName'?: 'Refusal_InputError_Fragment' };

type Refusal_GuestLimitError_Fragment = { __typename: 'GuestLimitError', limit: number, code: ErrorCode, message: string, field: Array<string> | null } & { ' $fragmentName'?: 'Refusal_GuestLimitError_Fragment' };

type Refusal_RateLimitError_Fragment = { __typename: 'RateLimitError', retryAfterMs: number, code: ErrorCode, message: string, field: Array<string> | null } & { ' $fragmentName'?: 'Refusal_RateLimitError_Fragment' };

export type RefusalFragment =
  | Refusal_InputError_Fragment
  | Refusal_GuestLimitError_Fragment
  | Refusal_RateLimitError_Fragment
;

export type MessagePartsFragment = { id: string, role: MessageRole, text: string, reasoning: string, reasoningMs: number | null, status: MessageStatus, lastSeq: number, engineName: string | null, finishReason: string | null, droppedMessages: number, createdAt: string, model: { id: string, name: string, trillionMoe: boolean } | null, error: { code: ErrorCode, message: string, retryAfterMs: number | null } | null, usage: { promptTokens: number, outputTokens: number, estimated: boolean } | null, siblings: Array<{ id: string }> } & { ' $fragmentName'?: 'MessagePartsFragment' };

export type BranchPartsFragment = { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } & { ' $fragmentName'?: 'BranchPartsFragment' };

export type GuestPartsFragment = { id: string | null, kind: ViewerKind, guest: { messagesLeft: number, messageLimit: number } | null } & { ' $fragmentName'?: 'GuestPartsFragment' };

export type ThreadQueryVariables = Exact<{
  id: string;
  after?: string | null | undefined;
}>;


export type ThreadQuery = { viewer: { id: string | null, conversation: (
      { id: string, leaf: { id: string } | null, branch: { ' $fragmentRefs'?: { 'BranchPartsFragment': BranchPartsFragment } } }
      & { ' $fragmentRefs'?: { 'ConversationRowFragment': ConversationRowFragment } }
    ) | null } };

export type ReplyQueryVariables = Exact<{
  id: string;
}>;


export type ReplyQuery = { node:
    | (
      { id: string, conversation: { id: string, activeReply: { id: string } | null } }
      & { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } }
    )
    | Record<PropertyKey, never>
   | null };

export type ReplyProgressQueryVariables = Exact<{
  id: string;
}>;


export type ReplyProgressQuery = { node:
    | { __typename: 'Conversation' }
    | { __typename: 'Message', id: string, text: string, reasoning: string, status: MessageStatus, lastSeq: number, error: { code: ErrorCode, message: string, retryAfterMs: number | null } | null }
   | null };

export type MessageSendMutationVariables = Exact<{
  input: MessageSendInput;
}>;


export type MessageSendMutation = { messageSend: { ' $fragmentRefs'?: { 'SentPartsFragment': SentPartsFragment } } };

export type MessageEditMutationVariables = Exact<{
  input: MessageEditInput;
}>;


export type MessageEditMutation = { messageEdit: { ' $fragmentRefs'?: { 'SentPartsFragment': SentPartsFragment } } };

export type ReplyRegenerateMutationVariables = Exact<{
  input: ReplyRegenerateInput;
}>;


export type ReplyRegenerateMutation = { replyRegenerate: { ' $fragmentRefs'?: { 'SentPartsFragment': SentPartsFragment } } };

export type SentPartsFragment = { conversation: (
    { id: string, leaf: { id: string } | null }
    & { ' $fragmentRefs'?: { 'ConversationRowFragment': ConversationRowFragment } }
  ) | null, message: (
    { id: string, parent: { id: string } | null }
    & { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } }
  ) | null, reply: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } | null, viewer: { ' $fragmentRefs'?: { 'GuestPartsFragment': GuestPartsFragment } } | null, userErrors: Array<
    | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
    | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
    | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
  > } & { ' $fragmentName'?: 'SentPartsFragment' };

export type ReplyContinueMutationVariables = Exact<{
  input: ReplyContinueInput;
}>;


export type ReplyContinueMutation = { replyContinue: { reply: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } | null, viewer: { ' $fragmentRefs'?: { 'GuestPartsFragment': GuestPartsFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ReplyStopMutationVariables = Exact<{
  input: ReplyStopInput;
}>;


export type ReplyStopMutation = { replyStop: { reply: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type BranchShowMutationVariables = Exact<{
  input: ConversationUpdateInput;
}>;


export type BranchShowMutation = { conversationUpdate: { conversation: { id: string, leaf: { id: string } | null, branch: { ' $fragmentRefs'?: { 'BranchPartsFragment': BranchPartsFragment } } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ReplyEventsSubscriptionVariables = Exact<{
  replyId: string;
  afterSeq?: number | null | undefined;
  windowMs?: number | null | undefined;
}>;


export type ReplyEventsSubscription = { replyEvents:
    | { __typename: 'ReplySnapshot', seq: number, text: string, reasoning: string, status: MessageStatus }
    | { __typename: 'ReplyDelta', seq: number, text: string }
    | { __typename: 'ReplyReasoningDelta', seq: number, text: string }
    | { __typename: 'ReplyFinished', seq: number, status: MessageStatus }
    | { __typename: 'ReplyFailed', seq: number, error: { code: ErrorCode, message: string, retryAfterMs: number | null } }
   };

export type ConversationRowFragment = { id: string, title: string, pinned: boolean, updatedAt: string, activeReply: { id: string } | null } & { ' $fragmentName'?: 'ConversationRowFragment' };

export type ConversationsQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type ConversationsQuery = { viewer: { id: string | null, conversations: { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'ConversationRowFragment': ConversationRowFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type ConversationRenameMutationVariables = Exact<{
  input: ConversationUpdateInput;
}>;


export type ConversationRenameMutation = { conversationUpdate: { conversation: { id: string, title: string } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ConversationPinMutationVariables = Exact<{
  input: ConversationUpdateInput;
}>;


export type ConversationPinMutation = { conversationUpdate: { conversation: { id: string, pinned: boolean } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ConversationDeleteMutationVariables = Exact<{
  input: ConversationDeleteInput;
}>;


export type ConversationDeleteMutation = { conversationDelete: { deletedId: string | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ViewerEventsSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type ViewerEventsSubscription = { viewerEvents:
    | { __typename: 'ConversationChanged', conversation: (
        { leaf: { id: string } | null }
        & { ' $fragmentRefs'?: { 'ConversationRowFragment': ConversationRowFragment } }
      ) }
    | { __typename: 'ConversationDeleted', conversationId: string }
    | { __typename: 'ReplyStarted', conversationId: string, reply: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } }
    | { __typename: 'ReplyEnded', conversationId: string, reply: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } }
   };

export type ConversationSearchQueryVariables = Exact<{
  text: string;
}>;


export type ConversationSearchQuery = { viewer: { id: string | null, conversations: { edges: Array<{ cursor: string, node: { id: string, title: string }, match: { messageId: string | null, snippet: string, start: number, length: number } | null }> } } };

export type ServicePartsFragment = { name: string, supportEmail: string, url: string, version: string, engine: { kind: EngineKind, name: string, state: EngineState, message: string } } & { ' $fragmentName'?: 'ServicePartsFragment' };

export type ModelPartsFragment = { id: string, name: string, description: string, contextTokens: number, available: boolean, default: boolean, reasoning: boolean, trillionMoe: boolean } & { ' $fragmentName'?: 'ModelPartsFragment' };

export type EngineStateQueryVariables = Exact<{ [key: string]: never; }>;


export type EngineStateQuery = { service: { ' $fragmentRefs'?: { 'ServicePartsFragment': ServicePartsFragment } } };

export const MessagePartsFragmentDoc = /* @__PURE__ */ gql`fragment MessageParts on Message{id role text reasoning reasoningMs status lastSeq engineName finishReason droppedMessages createdAt model{id name trillionMoe}error{code message retryAfterMs}usage{promptTokens outputTokens estimated}siblings{id}}` as unknown as DocumentNode<MessagePartsFragment, unknown>;
export const BranchPartsFragmentDoc = /* @__PURE__ */ gql`fragment BranchParts on MessageConnection{edges{cursor node{...MessageParts}}pageInfo{hasNextPage endCursor}}${MessagePartsFragmentDoc}` as unknown as DocumentNode<BranchPartsFragment, unknown>;
export const ConversationRowFragmentDoc = /* @__PURE__ */ gql`fragment ConversationRow on Conversation{id title pinned updatedAt activeReply{id}}` as unknown as DocumentNode<ConversationRowFragment, unknown>;
export const GuestPartsFragmentDoc = /* @__PURE__ */ gql`fragment GuestParts on Viewer{id kind guest{messagesLeft messageLimit}}` as unknown as DocumentNode<GuestPartsFragment, unknown>;
export const RefusalFragmentDoc = /* @__PURE__ */ gql`fragment Refusal on UserError{__typename code message field ...on GuestLimitError{limit}...on RateLimitError{retryAfterMs}}` as unknown as DocumentNode<RefusalFragment, unknown>;
export const SentPartsFragmentDoc = /* @__PURE__ */ gql`fragment SentParts on MessageSendPayload{conversation{id ...ConversationRow leaf{id}}message{id ...MessageParts parent{id}}reply{...MessageParts}viewer{...GuestParts}userErrors{...Refusal}}${ConversationRowFragmentDoc}${MessagePartsFragmentDoc}${GuestPartsFragmentDoc}${RefusalFragmentDoc}` as unknown as DocumentNode<SentPartsFragment, unknown>;
export const ServicePartsFragmentDoc = /* @__PURE__ */ gql`fragment ServiceParts on Service{name supportEmail url version engine{kind name state message}}` as unknown as DocumentNode<ServicePartsFragment, unknown>;
export const ModelPartsFragmentDoc = /* @__PURE__ */ gql`fragment ModelParts on Model{id name description contextTokens available default reasoning trillionMoe}` as unknown as DocumentNode<ModelPartsFragment, unknown>;
export const AppDocument = /* @__PURE__ */ gql`query App{viewer{...GuestParts}models{...ModelParts}service{...ServiceParts}}${GuestPartsFragmentDoc}${ModelPartsFragmentDoc}${ServicePartsFragmentDoc}` as unknown as DocumentNode<AppQuery, AppQueryVariables>;
export const ThreadDocument = /* @__PURE__ */ gql`query Thread($id:ID!$after:String){viewer{id conversation(id:$id){id ...ConversationRow leaf{id}branch(first:40 after:$after){...BranchParts}}}}${ConversationRowFragmentDoc}${BranchPartsFragmentDoc}` as unknown as DocumentNode<ThreadQuery, ThreadQueryVariables>;
export const ReplyDocument = /* @__PURE__ */ gql`query Reply($id:ID!){node(id:$id){...MessageParts ...on Message{id conversation{id activeReply{id}}}}}${MessagePartsFragmentDoc}` as unknown as DocumentNode<ReplyQuery, ReplyQueryVariables>;
export const ReplyProgressDocument = /* @__PURE__ */ gql`query ReplyProgress($id:ID!){node(id:$id){__typename ...on Message{id text reasoning status lastSeq error{code message retryAfterMs}}}}` as unknown as DocumentNode<ReplyProgressQuery, ReplyProgressQueryVariables>;
export const MessageSendDocument = /* @__PURE__ */ gql`mutation MessageSend($input:MessageSendInput!){messageSend(input:$input){...SentParts}}${SentPartsFragmentDoc}` as unknown as DocumentNode<MessageSendMutation, MessageSendMutationVariables>;
export const MessageEditDocument = /* @__PURE__ */ gql`mutation MessageEdit($input:MessageEditInput!){messageEdit(input:$input){...SentParts}}${SentPartsFragmentDoc}` as unknown as DocumentNode<MessageEditMutation, MessageEditMutationVariables>;
export const ReplyRegenerateDocument = /* @__PURE__ */ gql`mutation ReplyRegenerate($input:ReplyRegenerateInput!){replyRegenerate(input:$input){...SentParts}}${SentPartsFragmentDoc}` as unknown as DocumentNode<ReplyRegenerateMutation, ReplyRegenerateMutationVariables>;
export const ReplyContinueDocument = /* @__PURE__ */ gql`mutation ReplyContinue($input:ReplyContinueInput!){replyContinue(input:$input){reply{...MessageParts}viewer{...GuestParts}userErrors{...Refusal}}}${MessagePartsFragmentDoc}${GuestPartsFragmentDoc}${RefusalFragmentDoc}` as unknown as DocumentNode<ReplyContinueMutation, ReplyContinueMutationVariables>;
export const ReplyStopDocument = /* @__PURE__ */ gql`mutation ReplyStop($input:ReplyStopInput!){replyStop(input:$input){reply{...MessageParts}userErrors{...Refusal}}}${MessagePartsFragmentDoc}${RefusalFragmentDoc}` as unknown as DocumentNode<ReplyStopMutation, ReplyStopMutationVariables>;
export const BranchShowDocument = /* @__PURE__ */ gql`mutation BranchShow($input:ConversationUpdateInput!){conversationUpdate(input:$input){conversation{id leaf{id}branch(first:40){...BranchParts}}userErrors{...Refusal}}}${BranchPartsFragmentDoc}${RefusalFragmentDoc}` as unknown as DocumentNode<BranchShowMutation, BranchShowMutationVariables>;
export const ReplyEventsDocument = /* @__PURE__ */ gql`subscription ReplyEvents($replyId:ID!$afterSeq:Int$windowMs:Int){replyEvents(replyId:$replyId afterSeq:$afterSeq windowMs:$windowMs){__typename ...on ReplySnapshot{seq text reasoning status}...on ReplyDelta{seq text}...on ReplyReasoningDelta{seq text}...on ReplyFinished{seq status}...on ReplyFailed{seq error{code message retryAfterMs}}}}` as unknown as DocumentNode<ReplyEventsSubscription, ReplyEventsSubscriptionVariables>;
export const ConversationsDocument = /* @__PURE__ */ gql`query Conversations($after:String){viewer{id conversations(first:40 after:$after){edges{cursor node{...ConversationRow}}pageInfo{hasNextPage endCursor}}}}${ConversationRowFragmentDoc}` as unknown as DocumentNode<ConversationsQuery, ConversationsQueryVariables>;
export const ConversationRenameDocument = /* @__PURE__ */ gql`mutation ConversationRename($input:ConversationUpdateInput!){conversationUpdate(input:$input){conversation{id title}userErrors{...Refusal}}}${RefusalFragmentDoc}` as unknown as DocumentNode<ConversationRenameMutation, ConversationRenameMutationVariables>;
export const ConversationPinDocument = /* @__PURE__ */ gql`mutation ConversationPin($input:ConversationUpdateInput!){conversationUpdate(input:$input){conversation{id pinned}userErrors{...Refusal}}}${RefusalFragmentDoc}` as unknown as DocumentNode<ConversationPinMutation, ConversationPinMutationVariables>;
export const ConversationDeleteDocument = /* @__PURE__ */ gql`mutation ConversationDelete($input:ConversationDeleteInput!){conversationDelete(input:$input){deletedId userErrors{...Refusal}}}${RefusalFragmentDoc}` as unknown as DocumentNode<ConversationDeleteMutation, ConversationDeleteMutationVariables>;
export const ViewerEventsDocument = /* @__PURE__ */ gql`subscription ViewerEvents{viewerEvents{__typename ...on ConversationChanged{conversation{...ConversationRow leaf{id}}}...on ConversationDeleted{conversationId}...on ReplyStarted{conversationId reply{...MessageParts}}...on ReplyEnded{conversationId reply{...MessageParts}}}}${ConversationRowFragmentDoc}${MessagePartsFragmentDoc}` as unknown as DocumentNode<ViewerEventsSubscription, ViewerEventsSubscriptionVariables>;
export const ConversationSearchDocument = /* @__PURE__ */ gql`query ConversationSearch($text:String!){viewer{id conversations(first:20 filter:{text:$text}){edges{cursor node{id title}match{messageId snippet start length}}}}}` as unknown as DocumentNode<ConversationSearchQuery, ConversationSearchQueryVariables>;
export const EngineStateDocument = /* @__PURE__ */ gql`query EngineState{service{...ServiceParts}}${ServicePartsFragmentDoc}` as unknown as DocumentNode<EngineStateQuery, EngineStateQueryVariables>;