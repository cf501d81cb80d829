import { gql } from '@urql/core';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import type { ViewerPartsFragment, AppQuery, AppQueryVariables } from '../graphql';
import { GuestPartsFragmentDoc } from './fragments';
import { ModelPartsFragmentDoc } from './fragments';
import { ServicePartsFragmentDoc } from './fragments';
export const ViewerPartsFragmentDoc = /* @__PURE__ */ gql`fragment ViewerParts on Viewer{gate{ageConfirmed ageRefused policyAccepted policyVersion news{version}}account{id name email role theme language sendKey}consents{kind granted}}` as unknown as DocumentNode<ViewerPartsFragment, unknown>;
export const AppDocument = /* @__PURE__ */ gql`query App{viewer{...GuestParts ...ViewerParts}models{...ModelParts}service{...ServiceParts providers{provider name path}}}${GuestPartsFragmentDoc}${ViewerPartsFragmentDoc}${ModelPartsFragmentDoc}${ServicePartsFragmentDoc}` as unknown as DocumentNode<AppQuery, AppQueryVariables>;
