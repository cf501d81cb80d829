import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { AgeConfirmMutation, AgeConfirmMutationVariables, PolicyAcceptMutation, PolicyAcceptMutationVariables } from '../graphql';
import { RefusalFragmentDoc } from './fragments';
export const AgeConfirmDocument = /* @__PURE__ */ gql`mutation AgeConfirm($input:AgeConfirmInput!){ageConfirm(input:$input){gate{ageConfirmed ageRefused policyAccepted policyVersion news{version}}userErrors{...Refusal}}}${RefusalFragmentDoc}` as unknown as DocumentNode<AgeConfirmMutation, AgeConfirmMutationVariables>;
export const PolicyAcceptDocument = /* @__PURE__ */ gql`mutation PolicyAccept($input:PolicyAcceptInput!){policyAccept(input:$input){gate{ageConfirmed ageRefused policyAccepted policyVersion news{version}}userErrors{...Refusal}}}${RefusalFragmentDoc}` as unknown as DocumentNode<PolicyAcceptMutation, PolicyAcceptMutationVariables>;
