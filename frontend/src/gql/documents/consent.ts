import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { ConsentSetMutation, ConsentSetMutationVariables } from '../graphql';
import { RefusalFragmentDoc } from './fragments';
export const ConsentSetDocument = /* @__PURE__ */ gql`mutation ConsentSet($input:ConsentSetInput!){consentSet(input:$input){consent{kind granted policyVersion createdAt}userErrors{...Refusal}}}${RefusalFragmentDoc}` as unknown as DocumentNode<ConsentSetMutation, ConsentSetMutationVariables>;
