import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { PolicyQuery, PolicyQueryVariables } from '../graphql';
export const PolicyDocument = /* @__PURE__ */ gql`query Policy($version:String){policy(version:$version){version effectiveAt publishedAt hash text}}` as unknown as DocumentNode<PolicyQuery, PolicyQueryVariables>;
