import { useCallback, useMemo } from 'react'
import { useQuery } from 'urql'
import { useRefresh } from '@/components/page/use-refresh'
import { unmask } from '@/gql/fragment-masking'
import { UsageDocument, type UsageQuery, UsageSumPartsFragmentDoc } from '@/gql/graphql'
import { browserZone } from '@/lib/browser-zone'
import type { FeatureSum } from './feature-ring'
import { momentsOf, type Range } from './range'
import type { DaySum, Sum } from './report'

/** Milliseconds between two looks while the page is looked at. */
const every = 60_000

/** All that is shown of a range. */
export interface Usage {
  total: Sum
  days: readonly DaySum[]
  models: readonly { modelId: string; sum: Sum }[]
  /** By API key; the page's own without one. */
  keys: readonly { keyId: string; sum: Sum }[]
  features: readonly FeatureSum[]
}

function read(data: UsageQuery): Usage {
  const { byDay, byModel, byKey, byFeature } = data.viewer
  const open = (sum: (typeof byDay)['total']) => unmask(UsageSumPartsFragmentDoc, sum)
  return {
    total: open(byDay.total),
    days: byDay.groups.flatMap(({ day, modelId, sum }) => (day === null ? [] : [{ day, modelId: modelId ?? '', sum: open(sum) }])),
    models: byModel.groups.map(({ modelId, sum }) => ({ modelId: modelId ?? '', sum: open(sum) })),
    keys: byKey.groups.map(({ keyId, sum }) => ({ keyId: keyId ?? '', sum: open(sum) })),
    features: byFeature.groups.flatMap(({ feature, sum }) => (feature === null ? [] : [{ feature, sum: open(sum) }])),
  }
}

interface UsageState {
  /** Null while it isn't known. */
  usage: Usage | null
  /** Whether what is shown is about to be replaced. */
  stale: boolean
  failed: boolean
  retry(): void
}

/** What the viewer used in a range of days of the browser's time zone. */
export function useUsage(range: Range): UsageState {
  const variables = useMemo(() => ({ ...momentsOf(range), timeZone: browserZone() }), [range])
  const [{ data, error, fetching, stale }, execute] = useQuery({
    query: UsageDocument,
    variables,
    requestPolicy: 'cache-and-network',
  })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const usage = useMemo(() => (data ? read(data) : null), [data])
  return { usage, stale: fetching || stale, failed: !usage && !fetching && error !== undefined, retry }
}
