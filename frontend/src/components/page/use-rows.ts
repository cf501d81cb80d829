import { createRequest, type TypedDocumentNode } from '@urql/core'
import { useCallback, useMemo, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { useRefresh } from './use-refresh'

interface Connection<Node> {
  edges: readonly { node: Node }[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

export interface Rows<Row> {
  /** Null while they aren't known. */
  rows: readonly Row[] | null
  failed: boolean
  hasMore: boolean
  /** More is on its way. */
  loadingMore: boolean
  /** More couldn't be loaded; what is there stays. */
  moreFailed: boolean
  more(): void
  retry(): void
}

interface Part<Row> {
  rows: readonly Row[]
  /** Where more begins; null at the end. */
  after: string | null
}

/**
 * What is read of a list whose rows never change and come at its front: the beginning as it
 * is now, and behind it what was there already. Without a row in common all of it is new.
 */
export function joined<Row>(kept: Part<Row> | null, now: Part<Row>, keyOf: (row: Row) => string): Part<Row> {
  const last = now.rows.at(-1)
  const at = last && kept ? kept.rows.findIndex((row) => keyOf(row) === keyOf(last)) : -1
  const first = now.rows[0]
  if (!kept || at < 0 || at === kept.rows.length - 1 || !first) return now
  const same = kept.rows[0] && keyOf(kept.rows[0]) === keyOf(first) && at === now.rows.length - 1
  return same ? kept : { rows: [...now.rows, ...kept.rows.slice(at + 1)], after: kept.after }
}

/**
 * A list as far as it is loaded, and the way to more of it; asked again every `every`
 * milliseconds. With `keyOf` its rows never change, and those that were read stay when others
 * come before them.
 */
export function useRows<Data, Variables extends { after?: string | null }, Node, Row>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  every: number,
  connectionOf: (data: Data) => Connection<Node>,
  read: (node: Node) => Row,
  keyOf?: (row: Row) => string,
): Rows<Row> {
  const client = useClient()
  const { key } = useMemo(() => createRequest(query, variables), [query, variables])
  const [{ data, error, fetching, operation }, execute] = useQuery({ query, variables, requestPolicy: 'cache-and-network' })
  const [{ loadingMore, moreFailed }, setMore] = useState({ loadingMore: false, moreFailed: false })
  const [kept, setKept] = useState<{ key: number; data: Data; part: Part<Row> } | null>(null)
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const partOf = (answer: Data): Part<Row> => {
    const { edges, pageInfo } = connectionOf(answer)
    return { rows: edges.map(({ node }) => read(node)), after: pageInfo.hasNextPage ? pageInfo.endCursor : null }
  }
  let part = kept?.key === key ? kept.part : null
  // For a moment the answer is still the former list's.
  if (data && operation?.key === key && (kept?.key !== key || kept.data !== data)) {
    const now = partOf(data)
    part = keyOf ? joined(part, now, keyOf) : now
    setKept({ key, data, part })
  }
  const more = () => {
    const after = part?.after
    if (!after || loadingMore) return
    setMore({ loadingMore: true, moreFailed: false })
    void client
      .query(query, { ...variables, after }, { requestPolicy: 'network-only' })
      .toPromise()
      .then(({ data: page }) => {
        setMore({ loadingMore: false, moreFailed: !page })
        if (!page || !keyOf) return
        const next = partOf(page)
        setKept((before) => {
          if (before?.key !== key || before.part.after !== after) return before
          return { ...before, part: { rows: [...before.part.rows, ...next.rows], after: next.after } }
        })
      })
  }
  return {
    rows: part?.rows ?? null,
    failed: !part && !fetching && error !== undefined,
    hasMore: part?.after != null,
    loadingMore,
    moreFailed,
    more,
    retry,
  }
}
