import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { OperatorMailFragment, OperatorMailsQuery, OperatorMailsQueryVariables, OperatorRemoveMutation, OperatorRemoveMutationVariables, OperatorMailRetryMutation, OperatorMailRetryMutationVariables } from '../graphql';
import { RefusalFragmentDoc } from './fragments';
export const OperatorMailFragmentDoc = /* @__PURE__ */ gql`fragment OperatorMail on Mail{id kind to subject text status attempts lastError createdAt nextAt}` as unknown as DocumentNode<OperatorMailFragment, unknown>;
export const OperatorMailsDocument = /* @__PURE__ */ gql`query OperatorMails($after:String){operator{mailServer mails(first:30 after:$after){edges{cursor node{...OperatorMail}}pageInfo{hasNextPage endCursor}}}}${OperatorMailFragmentDoc}` as unknown as DocumentNode<OperatorMailsQuery, OperatorMailsQueryVariables>;
export const OperatorRemoveDocument = /* @__PURE__ */ gql`mutation OperatorRemove($input:AccountRemoveInput!){accountRemove(input:$input){receipt{id reason finishedAt tables{table rows}}userErrors{...Refusal}}}${RefusalFragmentDoc}` as unknown as DocumentNode<OperatorRemoveMutation, OperatorRemoveMutationVariables>;
export const OperatorMailRetryDocument = /* @__PURE__ */ gql`mutation OperatorMailRetry($input:MailRetryInput!){mailRetry(input:$input){mail{...OperatorMail}userErrors{...Refusal}}}${OperatorMailFragmentDoc}${RefusalFragmentDoc}` as unknown as DocumentNode<OperatorMailRetryMutation, OperatorMailRetryMutationVariables>;
