import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { UsageSumPartsFragment, UsageQuery, UsageQueryVariables } from '../graphql';
export const UsageSumPartsFragmentDoc = /* @__PURE__ */ gql`fragment UsageSumParts on UsageSum{acts promptTokens cachedTokens outputTokens reasoningTokens credits}` as unknown as DocumentNode<UsageSumPartsFragment, unknown>;
export const UsageDocument = /* @__PURE__ */ gql`query Usage($from:Time!$to:Time!$timeZone:String!){viewer{id byDay:usage(from:$from to:$to timeZone:$timeZone by:[DAY MODEL]){total{...UsageSumParts}groups{day modelId sum{...UsageSumParts}}}byModel:usage(from:$from to:$to by:[MODEL]){groups{modelId sum{...UsageSumParts}}}byFeature:usage(from:$from to:$to by:[FEATURE]){groups{feature sum{...UsageSumParts}}}}}${UsageSumPartsFragmentDoc}` as unknown as DocumentNode<UsageQuery, UsageQueryVariables>;
