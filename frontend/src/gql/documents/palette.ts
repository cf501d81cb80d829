import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { ConversationSearchQuery, ConversationSearchQueryVariables } from '../graphql';
export const ConversationSearchDocument = /* @__PURE__ */ gql`query ConversationSearch($text:String!){viewer{id conversations(first:20 filter:{text:$text}){edges{cursor node{id title}match{messageId snippet start length}}}}}` as unknown as DocumentNode<ConversationSearchQuery, ConversationSearchQueryVariables>;
