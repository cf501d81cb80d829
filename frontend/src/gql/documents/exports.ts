import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { ExportPartsFragment, ExportStateQuery, ExportStateQueryVariables, ExportStartMutation, ExportStartMutationVariables } from '../graphql';
import { RefusalFragmentDoc } from './fragments';
export const ExportPartsFragmentDoc = /* @__PURE__ */ gql`fragment ExportParts on Export{id status progress createdAt finishedAt expiresAt bytes url}` as unknown as DocumentNode<ExportPartsFragment, unknown>;
export const ExportStateDocument = /* @__PURE__ */ gql`query ExportState{viewer{id account{id identities{id provider}}exports{...ExportParts}}}${ExportPartsFragmentDoc}` as unknown as DocumentNode<ExportStateQuery, ExportStateQueryVariables>;
export const ExportStartDocument = /* @__PURE__ */ gql`mutation ExportStart($input:ExportStartInput!){exportStart(input:$input){export{...ExportParts}userErrors{...Refusal}}}${ExportPartsFragmentDoc}${RefusalFragmentDoc}` as unknown as DocumentNode<ExportStartMutation, ExportStartMutationVariables>;
