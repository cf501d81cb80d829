/** What the address of a conversation may carry. */
export interface ConversationSearch {
  /** A message to bring on show. */
  m?: string
}

/** Reads the search part of an address; what isn't ours is dropped. */
export function parseSearch(search: Record<string, unknown>): ConversationSearch {
  return typeof search.m === 'string' && search.m !== '' ? { m: search.m } : {}
}
