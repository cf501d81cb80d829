import { useCallback, useMemo } from 'react'
import { useQuery } from 'urql'
import { useRefresh } from '@/components/page/use-refresh'
import { unmask } from '@/gql/fragment-masking'
import {
  type OperatorAbsurdFragment,
  OperatorAbsurdFragmentDoc,
  type OperatorCheckFragment,
  OperatorCheckFragmentDoc,
  type OperatorComparisonFragment,
  OperatorComparisonFragmentDoc,
  type OperatorEstimateFragment,
  OperatorEstimateFragmentDoc,
  OperatorMoneyDocument,
  type OperatorQuarantinedFragment,
  OperatorQuarantinedFragmentDoc,
  type PaymentProvider,
} from '@/gql/graphql'

/** Milliseconds between two looks while the page is looked at. */
const every = 30_000

/** All that the operator sees of the money. */
export interface MoneyState {
  checks: readonly OperatorCheckFragment[]
  quarantined: readonly OperatorQuarantinedFragment[]
  comparisons: readonly OperatorComparisonFragment[]
  absurd: readonly OperatorAbsurdFragment[]
  estimates: readonly OperatorEstimateFragment[]
  providers: readonly PaymentProvider[]
}

interface Loaded {
  /** Null while it isn't known. */
  money: MoneyState | null
  failed: boolean
  refresh(): void
}

/** The books, the payments and what is odd about either. */
export function useMoney(): Loaded {
  const [{ data, error, fetching }, execute] = useQuery({ query: OperatorMoneyDocument, requestPolicy: 'cache-and-network' })
  const refresh = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(refresh, every)
  const money = useMemo(() => {
    if (!data) return null
    const { operator } = data
    return {
      checks: operator.ledgerChecks.map((one) => unmask(OperatorCheckFragmentDoc, one)),
      quarantined: operator.quarantinedPayments.map((one) => unmask(OperatorQuarantinedFragmentDoc, one)),
      comparisons: operator.reconciliations.map((one) => unmask(OperatorComparisonFragmentDoc, one)),
      absurd: operator.absurdUsage.map((one) => unmask(OperatorAbsurdFragmentDoc, one)),
      estimates: operator.estimateErrors.map((one) => unmask(OperatorEstimateFragmentDoc, one)),
      providers: operator.paymentProviders,
    }
  }, [data])
  return { money, failed: !money && !fetching && error !== undefined, refresh }
}
