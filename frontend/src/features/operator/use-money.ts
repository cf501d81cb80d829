import { useCallback } from 'react'
import { useQuery } from 'urql'
import { useRefresh } from '@/components/page/use-refresh'
import type { ListEnd } from '@/components/page/more-rows'
import { useRows } from '@/components/page/use-rows'
import { unmask } from '@/gql/fragment-masking'
import {
  type OperatorAbsurdFragment,
  OperatorAbsurdFragmentDoc,
  OperatorBookChecksDocument,
  type OperatorCheckFragment,
  OperatorCheckFragmentDoc,
  type OperatorComparisonFragment,
  OperatorComparisonFragmentDoc,
  OperatorComparisonsDocument,
  type OperatorEstimateFragment,
  OperatorEstimateFragmentDoc,
  OperatorMoneyDocument,
  OperatorOddUsageDocument,
  OperatorQuarantineDocument,
  type OperatorQuarantinedFragment,
  OperatorQuarantinedFragmentDoc,
  type PaymentProvider,
} from '@/gql/graphql'

/** Milliseconds between two looks while the page is looked at. */
const every = 30_000

/** All that the operator sees of the money; lists as far as they are loaded. */
export interface MoneyState {
  checks: readonly OperatorCheckFragment[]
  quarantined: readonly OperatorQuarantinedFragment[]
  /** How many payments wait for a decision, in all. */
  waiting: number
  comparisons: readonly OperatorComparisonFragment[]
  absurd: readonly OperatorAbsurdFragment[]
  /** How many acts with absurd usage wait for somebody to look, in all. */
  odd: number
  estimates: readonly OperatorEstimateFragment[]
  providers: readonly PaymentProvider[]
}

interface Loaded {
  /** Null while it isn't known. */
  money: MoneyState | null
  ends: { checks: ListEnd; quarantined: ListEnd; comparisons: ListEnd; absurd: ListEnd }
  failed: boolean
  refresh(): void
}

const first = {}

/** The books, the payments and what is odd about either. */
export function useMoney(): Loaded {
  const [{ data, error, fetching }, execute] = useQuery({ query: OperatorMoneyDocument, requestPolicy: 'cache-and-network' })
  const again = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(again, every)
  const checks = useRows(
    OperatorBookChecksDocument,
    first,
    every,
    ({ operator }) => operator.bookChecks,
    (node) => unmask(OperatorCheckFragmentDoc, node),
  )
  const quarantined = useRows(
    OperatorQuarantineDocument,
    first,
    every,
    ({ operator }) => operator.quarantine,
    (node) => unmask(OperatorQuarantinedFragmentDoc, node),
  )
  const comparisons = useRows(
    OperatorComparisonsDocument,
    first,
    every,
    ({ operator }) => operator.comparisons,
    (node) => unmask(OperatorComparisonFragmentDoc, node),
  )
  const absurd = useRows(
    OperatorOddUsageDocument,
    first,
    every,
    ({ operator }) => operator.oddUsage,
    (node) => unmask(OperatorAbsurdFragmentDoc, node),
  )
  const lists = { checks, quarantined, comparisons, absurd }
  const refresh = () => {
    again()
    for (const list of Object.values(lists)) list.retry()
  }
  const money =
    data && checks.rows && quarantined.rows && comparisons.rows && absurd.rows
      ? {
          checks: checks.rows,
          quarantined: quarantined.rows,
          waiting: data.operator.quarantineWaiting,
          comparisons: comparisons.rows,
          absurd: absurd.rows,
          odd: data.operator.oddUsageWaiting,
          estimates: data.operator.estimateErrors.map((one) => unmask(OperatorEstimateFragmentDoc, one)),
          providers: data.operator.paymentProviders,
        }
      : null
  return {
    money,
    ends: lists,
    failed: !money && ((!data && !fetching && error !== undefined) || Object.values(lists).some(({ failed }) => failed)),
    refresh,
  }
}
