import type { TypedDocumentNode } from '@urql/core'
import { payloadOf } from './payload'
import { send } from './send'

/**
 * Runs an operation outside the cache. Rejects when the server can't be reached; null when it
 * answers without data.
 */
export async function fetchOperation<Data, Variables extends Record<string, unknown>>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  init: Pick<RequestInit, 'signal'> = {},
): Promise<Data | null> {
  const response = await send('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json' },
    body: JSON.stringify(payloadOf(document, variables)),
    cache: 'no-store',
    ...init,
  })
  const result = (await response.json()) as { data?: Data | null }
  return result.data ?? null
}
