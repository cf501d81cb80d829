import type { RequestLogFilter, RequestOutcome } from '@/gql/graphql'
import { browserZone } from '@/lib/browser-zone'

/** How requests end. */
export const outcomes = ['SUCCEEDED', 'REFUSED', 'LIMITED', 'FAILED'] as const satisfies readonly RequestOutcome[]

/** The spans up to now that are one click away, in milliseconds. */
export const spans = { '1h': 3_600_000, '24h': 86_400_000, '7d': 7 * 86_400_000, '30d': 30 * 86_400_000 } as const
export type Span = keyof typeof spans

/** What a log's address asks for. Times are the server's moments; `since` is a span up to now. */
export interface LogFilter {
  key?: string
  outcome?: RequestOutcome
  model?: string
  route?: string
  since?: Span
  from?: string
  to?: string
}

const momentOf = (text: string | undefined) => {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}

/** Reads an address; what it doesn't know is dropped. A span and moments exclude each other: moments win. */
export function readFilter(words: Partial<Record<string, string>>): LogFilter {
  const [from, to] = [momentOf(words.from), momentOf(words.to)]
  const outcome = outcomes.find((one) => one === words.outcome)
  const since = words.since !== undefined && Object.hasOwn(spans, words.since) ? (words.since as Span) : undefined
  return {
    ...(words.key ? { key: words.key } : {}),
    ...(outcome ? { outcome } : {}),
    ...(words.model ? { model: words.model } : {}),
    ...(words.route ? { route: words.route } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
    ...(since && !from && !to ? { since } : {}),
  }
}

/** The filter as an address carries it. */
export function wordsOf(filter: LogFilter): Record<string, string> {
  return Object.fromEntries(Object.entries(filter).filter(([, word]) => word !== undefined && word !== ''))
}

/** Whether anything is left out. */
export function isNarrow(filter: LogFilter): boolean {
  return Object.keys(wordsOf(filter)).length > 0
}

/** The filter as the schema knows it, at a moment from which spans reach back. */
export function inputOf(filter: LogFilter, now: number): RequestLogFilter {
  const from = filter.since ? new Date(now - spans[filter.since]).toISOString() : filter.from
  return {
    ...(filter.key ? { keyId: filter.key } : {}),
    ...(filter.outcome ? { outcome: filter.outcome } : {}),
    ...(filter.model ? { modelId: filter.model } : {}),
    ...(filter.route ? { route: filter.route } : {}),
    ...(from ? { from } : {}),
    ...(filter.to ? { to: filter.to } : {}),
  }
}

/** Where the same rows are as CSV, with their moments as the page shows them. */
export function csvAddress(filter: LogFilter, now: number): string {
  const query = new URLSearchParams({ ...(inputOf(filter, now) as Record<string, string>), timeZone: browserZone() })
  return `/developers/requests.csv?${query.toString()}`
}
