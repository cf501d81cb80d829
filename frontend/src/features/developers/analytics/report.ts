import { unmask } from '@/gql/fragment-masking'
import { type RequestAnalyticsQuery, type RequestSumPartsFragment, RequestSumPartsFragmentDoc } from '@/gql/graphql'
import { type Step, stepAt } from './steps'

/** What requests came to. */
export type Sum = Omit<RequestSumPartsFragment, ' $fragmentName'>

const none = { p50: null, p95: null }

/** No requests. */
export const nothing: Sum = {
  requests: 0,
  errors: 0,
  promptTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  credits: '0',
  firstTokenMs: none,
  latencyMs: none,
}

/** What a step came to. */
export interface Point extends Step {
  sum: Sum
}

/** What a key, a model or a route came to. */
export interface Share {
  id: string
  sum: Sum
}

/** All that is shown of a range. */
export interface Report {
  total: Sum
  points: readonly Point[]
  keys: readonly Share[]
  models: readonly Share[]
  routes: readonly Share[]
}

interface StepSum {
  start: string | null
  sum: Sum
}

/** Every step with its sum; steps of which the server says nothing had no requests. */
export function pointsOf(steps: readonly Step[], groups: readonly StepSum[]): Point[] {
  const sums = new Map<number, Sum>()
  for (const { start, sum } of groups) if (start !== null) sums.set(stepAt(steps, new Date(start)), sum)
  return steps.map((step, at) => ({ ...step, sum: sums.get(at) ?? nothing }))
}

/** Most requests first. */
const bySize = (a: Share, b: Share) => b.sum.requests - a.sum.requests || (a.id < b.id ? -1 : 1)

/** Reads the server's answer. */
export function reportOf(data: RequestAnalyticsQuery, steps: readonly Step[]): Report {
  const { byTime, byKey, byModel, byRoute } = data.viewer
  const open = (sum: (typeof byTime)['total']) => unmask(RequestSumPartsFragmentDoc, sum)
  return {
    total: open(byTime.total),
    points: pointsOf(
      steps,
      byTime.groups.map(({ start, sum }) => ({ start, sum: open(sum) })),
    ),
    keys: byKey.groups.map(({ keyId, sum }) => ({ id: keyId ?? '', sum: open(sum) })).toSorted(bySize),
    models: byModel.groups.map(({ modelId, sum }) => ({ id: modelId ?? '', sum: open(sum) })).toSorted(bySize),
    routes: byRoute.groups.map(({ route, sum }) => ({ id: route ?? '', sum: open(sum) })).toSorted(bySize),
  }
}

/** The part of the requests that failed or were refused. */
export function errorShare({ requests, errors }: Sum): number {
  return requests === 0 ? 0 : errors / requests
}
