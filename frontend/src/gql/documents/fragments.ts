import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { MessagePartsFragment, ConversationRowFragment, GuestPartsFragment, RefusalFragment, ServicePartsFragment, ModelPartsFragment } from '../graphql';
export const MessagePartsFragmentDoc = /* @__PURE__ */ gql`fragment MessageParts on Message{id role text reasoning reasoningMs status lastSeq engineName finishReason droppedMessages createdAt model{id name trillionMoe}error{code message retryAfterMs}usage{promptTokens outputTokens estimated}siblings{id}}` as unknown as DocumentNode<MessagePartsFragment, unknown>;
export const ConversationRowFragmentDoc = /* @__PURE__ */ gql`fragment ConversationRow on Conversation{id title pinned updatedAt activeReply{id}}` as unknown as DocumentNode<ConversationRowFragment, unknown>;
export const GuestPartsFragmentDoc = /* @__PURE__ */ gql`fragment GuestParts on Viewer{id kind guest{messagesLeft messageLimit}}` as unknown as DocumentNode<GuestPartsFragment, unknown>;
export const RefusalFragmentDoc = /* @__PURE__ */ gql`fragment Refusal on UserError{__typename code message field ...on GuestLimitError{limit}...on RateLimitError{retryAfterMs}}` as unknown as DocumentNode<RefusalFragment, unknown>;
export const ServicePartsFragmentDoc = /* @__PURE__ */ gql`fragment ServiceParts on Service{name supportEmail url version engine{kind name state message}}` as unknown as DocumentNode<ServicePartsFragment, unknown>;
export const ModelPartsFragmentDoc = /* @__PURE__ */ gql`fragment ModelParts on Model{id name description contextTokens available default reasoning trillionMoe}` as unknown as DocumentNode<ModelPartsFragment, unknown>;
