/** What the address of a conversation may carry. */
export interface ConversationSearch {
  /** A message to bring on show. */
  m?: string
}

/** Reads the search part of an address; what isn't ours is dropped. */
export function parseSearch(search: Record<string, unknown>): ConversationSearch {
  return typeof search.m === 'string' && search.m !== '' ? { m: search.m } : {}
}

/** What the address of the sign-in page may carry. */
export interface SignInSearch {
  /** The page to come back to. */
  return?: string
  /** Why the last try ended, as the server names it. */
  error?: string
  /** What has to be answered before an account can be made. */
  need?: string
  /** The provider that was tried, or the one to use instead. */
  provider?: string
  use?: string
  /** `discard` when a guest's conversations are not to be kept. */
  guest?: string
}

const signInFields = ['return', 'error', 'need', 'provider', 'use', 'guest'] as const

/** Our own pages without a query, and two whose query says all: the operator's link, and the way back from paying. */
const ownPage = /^\/(?![/\\])[\w/-]*$|^\/auth\/operator\?token=[\w.~%-]+$|^\/billing\/return\?purchase=[\w-]{1,64}$/

/** Reads the search part of the sign-in page's address. A page to come back to is one of ours. */
export function parseSignIn(search: Record<string, unknown>): SignInSearch {
  const read: SignInSearch = {}
  for (const field of signInFields) {
    const value = search[field]
    if (typeof value === 'string' && value !== '') read[field] = value
  }
  if (read.return && !ownPage.test(read.return)) delete read.return
  return read
}

/** What the address of a settings page may carry: why a way to a provider ended without its aim. */
export interface ReturnSearch {
  error?: string
}

/** Reads the search part of a settings page's address. */
export function parseReturn(search: Record<string, unknown>): ReturnSearch {
  return typeof search.error === 'string' && search.error !== '' ? { error: search.error } : {}
}

/** What the address of the usage page may carry: the first and the last day, both or none. */
export interface UsageSearch {
  from?: string
  to?: string
}

/** What the address of the page after a payment carries: the purchase. */
export interface BoughtSearch {
  purchase?: string
}

/** Reads the search part of the address after a payment. */
export function parseBought({ purchase }: Record<string, unknown>): BoughtSearch {
  return typeof purchase === 'string' && purchase !== '' ? { purchase } : {}
}

const day = /^\d{4}-\d{2}-\d{2}$/

/** Reads the search part of the usage page's address. */
export function parseUsage({ from, to }: Record<string, unknown>): UsageSearch {
  return typeof from === 'string' && typeof to === 'string' && day.test(from) && day.test(to) ? { from, to } : {}
}
