import type { TypedDocumentNode } from '@urql/core'
import { useCallback, useMemo, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { useRefresh } from '@/components/page/use-refresh'
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

interface Connection<Node> {
  edges: readonly { node: Node }[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

interface Rows<Row> {
  /** Null while they aren't known. */
  rows: readonly Row[] | null
  failed: boolean
  hasMore: boolean
  more(): void
  retry(): void
}

function useRows<Data, Variables extends { after?: string | null }, Node, Row>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  connectionOf: (data: Data) => Connection<Node>,
  read: (node: Node) => Row,
): Rows<Row> {
  const client = useClient()
  const [{ data, error, fetching }, execute] = useQuery({ query, variables, requestPolicy: 'cache-and-network' })
  const [loading, setLoading] = useState(false)
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const connection = data ? connectionOf(data) : null
  const after = connection?.pageInfo.hasNextPage ? connection.pageInfo.endCursor : null
  const more = () => {
    if (!after || loading) return
    setLoading(true)
    void client
      .query(query, { ...variables, after }, { requestPolicy: 'network-only' })
      .toPromise()
      .finally(() => setLoading(false))
  }
  const rows = connection?.edges.map(({ node }) => read(node)) ?? null
  return { rows, failed: !connection && !fetching && error !== undefined, hasMore: after !== null, more, retry }
}

const first = {}

/** What was bought, newest first. */
export function usePurchases(): Rows<PurchasePartsFragment> {
  return useRows(
    PurchasesDocument,
    first,
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
    (data) => data.viewer.ledgerEntries,
    (node) => unmask(EntryPartsFragmentDoc, node),
  )
}
