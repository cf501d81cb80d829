import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { ReplyActsQuery, ReplyActsQueryVariables, BranchCostsQuery, BranchCostsQueryVariables } from '../graphql';
import { ActPartsFragmentDoc } from './fragments';
export const ReplyActsDocument = /* @__PURE__ */ gql`query ReplyActs($id:ID!){node(id:$id){__typename ...on Message{id acts{...ActParts}}}}${ActPartsFragmentDoc}` as unknown as DocumentNode<ReplyActsQuery, ReplyActsQueryVariables>;
export const BranchCostsDocument = /* @__PURE__ */ gql`query BranchCosts($id:ID!$after:String){viewer{id conversation(id:$id){id branch(first:100 after:$after){edges{cursor node{id credits}}pageInfo{hasNextPage endCursor}}}}}` as unknown as DocumentNode<BranchCostsQuery, BranchCostsQueryVariables>;
