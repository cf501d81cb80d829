import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { PreferencesKeepMutation, PreferencesKeepMutationVariables } from '../graphql';
import { RefusalFragmentDoc } from './fragments';
export const PreferencesKeepDocument = /* @__PURE__ */ gql`mutation PreferencesKeep($input:AccountUpdateInput!){accountUpdate(input:$input){account{id theme language sendKey}userErrors{...Refusal}}}${RefusalFragmentDoc}` as unknown as DocumentNode<PreferencesKeepMutation, PreferencesKeepMutationVariables>;
