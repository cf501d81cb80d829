import type { Payload } from './types'

/** The hash of each document's text. */
const hashes = new Map<string, Promise<string>>()

/** The texts that the server doesn't know by their hashes. */
const strange = new Set<string>()

/** What the server says to a hash that it knows no document by. */
const unknown = 'PERSISTED_QUERY_NOT_FOUND'

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The operation as it is sent: with its document's hash while the server knows that, else with its text. */
export async function wireForm(payload: Payload): Promise<object> {
  const { query, ...rest } = payload
  // Without encryption, on another machine than the server's, browsers don't hash.
  if (strange.has(query) || !globalThis.crypto?.subtle) return payload
  const hash = hashes.get(query) ?? sha256(query)
  hashes.set(query, hash)
  return { ...rest, documentId: `sha256:${await hash}` }
}

/** Whether an answer to a form of the operation says that its text has to be sent; the next form has it. */
export function isUnknown({ query }: Payload, form: object, codes: readonly (string | undefined)[]): boolean {
  if (!codes.includes(unknown) || !('documentId' in form)) return false
  strange.add(query)
  return true
}

/** Does what `fetch` does with an operation as body, by hash. */
export async function fetchByHash(url: RequestInfo | URL, init: RequestInit): Promise<Response> {
  const payload = JSON.parse(init.body as string) as Payload
  const form = await wireForm(payload)
  const response = await fetch(url, { ...init, body: JSON.stringify(form) })
  if (response.status !== 400) return response
  const codes = (await response.clone().text()).includes(unknown) ? [unknown] : []
  return isUnknown(payload, form, codes) ? fetch(url, init) : response
}
