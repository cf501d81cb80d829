import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { RetentionHoldFragment, OperatorRetentionQuery, OperatorRetentionQueryVariables, OperatorRetentionConfirmMutation, OperatorRetentionConfirmMutationVariables } from '../graphql';
import { RefusalFragmentDoc } from './fragments';
export const RetentionHoldFragmentDoc = /* @__PURE__ */ gql`fragment RetentionHold on RetentionHolding{kind since due usual until confirmable confirmedAt}` as unknown as DocumentNode<RetentionHoldFragment, unknown>;
export const OperatorRetentionDocument = /* @__PURE__ */ gql`query OperatorRetention{operator{retention{table keptSeconds idleSeconds oldestAt sweptAt removed removedAt overdue hold{...RetentionHold}upcoming{day rows}}}}${RetentionHoldFragmentDoc}` as unknown as DocumentNode<OperatorRetentionQuery, OperatorRetentionQueryVariables>;
export const OperatorRetentionConfirmDocument = /* @__PURE__ */ gql`mutation OperatorRetentionConfirm($input:RetentionConfirmInput!){retentionConfirm(input:$input){rule{table hold{...RetentionHold}}userErrors{...Refusal}}}${RetentionHoldFragmentDoc}${RefusalFragmentDoc}` as unknown as DocumentNode<OperatorRetentionConfirmMutation, OperatorRetentionConfirmMutationVariables>;
