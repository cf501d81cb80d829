import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { TransparencyQuery, TransparencyQueryVariables } from '../graphql';
export const TransparencyDocument = /* @__PURE__ */ gql`query Transparency{transparency{madeAt checkedAt state version policyVersion policyHash publicKey clauses{id section title state evidence checkedAt}recipients{kind name hosts sent clause local encrypted consent}hops{name host state about}changes{checkId at state evidence}}}` as unknown as DocumentNode<TransparencyQuery, TransparencyQueryVariables>;
