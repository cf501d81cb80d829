import { useCallback, useMemo } from 'react'
import { useQuery } from 'urql'
import { useRefresh } from '@/components/page/use-refresh'
import { unmask } from '@/gql/fragment-masking'
import {
  OperatorRetentionDocument,
  type OperatorRetentionQuery,
  type RetentionHoldFragment,
  RetentionHoldFragmentDoc,
} from '@/gql/graphql'
import type { Standing } from './glance'

/** Milliseconds between two looks while the page is looked at. */
const every = 30_000

type Row = OperatorRetentionQuery['operator']['retention'][number]

/** A table whose rows end by themselves. */
export type Rule = Omit<Row, 'hold'> & { hold: RetentionHoldFragment | null }

interface Loaded {
  /** Null while it isn't known. */
  rules: readonly Rule[] | null
  failed: boolean
  refresh(): void
}

/** All rules, and how they stand. */
export function useRetention(): Loaded {
  const [{ data, error, fetching }, execute] = useQuery({ query: OperatorRetentionDocument, requestPolicy: 'cache-and-network' })
  const refresh = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(refresh, every)
  const rules = useMemo(
    () =>
      data?.operator.retention.map((row) => ({ ...row, hold: row.hold ? unmask(RetentionHoldFragmentDoc, row.hold) : null })) ??
      null,
    [data],
  )
  return { rules, failed: !rules && !fetching && error !== undefined, refresh }
}

/** How a rule stands: held is worth a look, overdue is wrong. */
export function ruleStanding({
  hold,
  overdue,
  sweptAt,
  oldestAt,
}: Pick<Rule, 'hold' | 'overdue' | 'sweptAt' | 'oldestAt'>): Standing {
  if (overdue) return 'wrong'
  if (hold) return 'look'
  return sweptAt || oldestAt ? 'well' : 'unknown'
}
