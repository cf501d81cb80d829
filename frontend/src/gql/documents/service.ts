import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { EngineStateQuery, EngineStateQueryVariables } from '../graphql';
import { ServicePartsFragmentDoc } from './fragments';
export const EngineStateDocument = /* @__PURE__ */ gql`query EngineState{service{...ServiceParts}}${ServicePartsFragmentDoc}` as unknown as DocumentNode<EngineStateQuery, EngineStateQueryVariables>;
