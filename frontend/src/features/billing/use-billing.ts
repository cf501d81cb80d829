import { useCallback, useMemo } from 'react'
import { useQuery } from 'urql'
import { useRefresh } from '@/components/page/use-refresh'
import { type Rows, useRows } from '@/components/page/use-rows'
import { unmask } from '@/gql/fragment-masking'
import {
  BalanceDocument,
  type BalancePartsFragment,
  BalancePartsFragmentDoc,
  type EntryPartsFragment,
  EntryPartsFragmentDoc,
  LedgerDocument,
  type PackPartsFragment,
  PackPartsFragmentDoc,
  type PurchasePartsFragment,
  PurchasePartsFragmentDoc,
  PurchasesDocument,
  type TransferKind,
} from '@/gql/graphql'

/** Milliseconds between two looks while the page is looked at; what happens meanwhile is told as an event. */
const every = 60_000

interface BalanceState {
  /** Null while it isn't known, and for whoever has no wallet. */
  credits: BalancePartsFragment | null
  packs: readonly PackPartsFragment[]
  failed: boolean
  retry(): void
}

/** What can be spent, and what is for sale. */
export function useBalance(): BalanceState {
  const [{ data, error, fetching }, execute] = useQuery({ query: BalanceDocument, requestPolicy: 'cache-and-network' })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const known = useMemo(
    () => ({
      credits: data?.viewer.credits ? unmask(BalancePartsFragmentDoc, data.viewer.credits) : null,
      packs: (data?.creditPacks ?? []).map((pack) => unmask(PackPartsFragmentDoc, pack)),
    }),
    [data],
  )
  return { ...known, failed: !data && !fetching && error !== undefined, retry }
}

const first = {}

/** What was bought, newest first. */
export function usePurchases(): Rows<PurchasePartsFragment> {
  return useRows(
    PurchasesDocument,
    first,
    every,
    (data) => data.viewer.payments,
    (node) => unmask(PurchasePartsFragmentDoc, node),
  )
}

/** What went in and out, newest first. */
export function useLedger(kinds: readonly TransferKind[] | null): Rows<EntryPartsFragment> {
  const variables = useMemo(() => (kinds ? { kinds: [...kinds] } : {}), [kinds])
  return useRows(
    LedgerDocument,
    variables,
    every,
    (data) => data.viewer.ledgerEntries,
    (node) => unmask(EntryPartsFragmentDoc, node),
    ({ id }) => id,
  )
}
