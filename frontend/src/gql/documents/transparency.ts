import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { TransparencyQuery, TransparencyQueryVariables } from '../graphql';
export const TransparencyDocument = /* @__PURE__ */ gql`query Transparency{transparency{madeAt checkedAt state version policyVersion policyHash publicKey clauses{id section title state evidence findings{code values{name sort value more}}checkedAt}recipients{kind name hosts gets clause local encrypted consent}hops{name way to host state protection}changes{checkId at state evidence findings{code values{name sort value more}}}}}` as unknown as DocumentNode<TransparencyQuery, TransparencyQueryVariables>;
