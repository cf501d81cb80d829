import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { HeldTableFragment, HeldQuery, HeldQueryVariables, HeldValuesQuery, HeldValuesQueryVariables } from '../graphql';
export const HeldTableFragmentDoc = /* @__PURE__ */ gql`fragment HeldTable on DataTable{name about count oldestAt retention{rule seconds guestSeconds}erasure}` as unknown as DocumentNode<HeldTableFragment, unknown>;
export const HeldDocument = /* @__PURE__ */ gql`query Held{viewer{kind dataInventory{policyVersion browser{name kind purpose necessary kept}groups{name purpose clause tables{...HeldTable}}}}}${HeldTableFragmentDoc}` as unknown as DocumentNode<HeldQuery, HeldQueryVariables>;
export const HeldValuesDocument = /* @__PURE__ */ gql`query HeldValues($table:String!$after:String){viewer{dataInventory{table(name:$table){name columns{name storage shown why}rows(first:5 after:$after){nodes{values{name value}}pageInfo{hasNextPage endCursor}}}}}}` as unknown as DocumentNode<HeldValuesQuery, HeldValuesQueryVariables>;
