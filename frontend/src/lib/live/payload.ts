import { stringifyDocument, type TypedDocumentNode } from '@urql/core'
import type { Payload } from './types'

/** The wire form of a generated document. Undefined variables are left out. */
export function payloadOf<Data, Variables extends Record<string, unknown>>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Payload {
  const definition = document.definitions.find((one) => one.kind === 'OperationDefinition')
  return {
    query: stringifyDocument(document),
    ...(definition?.name ? { operationName: definition.name.value } : {}),
    variables,
  }
}
