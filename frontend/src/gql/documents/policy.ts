import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { PolicyQuery, PolicyQueryVariables, PolicyVersionsQuery, PolicyVersionsQueryVariables, PolicyAcknowledgeMutation, PolicyAcknowledgeMutationVariables, PolicyNewsQuery, PolicyNewsQueryVariables } from '../graphql';
import { RefusalFragmentDoc } from './fragments';
export const PolicyDocument = /* @__PURE__ */ gql`query Policy($version:String){policy(version:$version){version effectiveAt publishedAt hash text translations{language text hash}}}` as unknown as DocumentNode<PolicyQuery, PolicyQueryVariables>;
export const PolicyVersionsDocument = /* @__PURE__ */ gql`query PolicyVersions{policyVersions{version effectiveAt publishedAt significant}}` as unknown as DocumentNode<PolicyVersionsQuery, PolicyVersionsQueryVariables>;
export const PolicyAcknowledgeDocument = /* @__PURE__ */ gql`mutation PolicyAcknowledge($input:PolicyAcceptInput!){policyAccept(input:$input){gate{ageConfirmed ageRefused policyAccepted policyVersion news{version}}userErrors{...Refusal}}}${RefusalFragmentDoc}` as unknown as DocumentNode<PolicyAcknowledgeMutation, PolicyAcknowledgeMutationVariables>;
export const PolicyNewsDocument = /* @__PURE__ */ gql`query PolicyNews{viewer{gate{news{version effectiveAt significant inForce}}}}` as unknown as DocumentNode<PolicyNewsQuery, PolicyNewsQueryVariables>;
