import type { TypedDocumentNode } from '@urql/core'
import { useCallback, useState } from 'react'
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
  more(): void
  retry(): void
}

/** A list as far as it is loaded, and the way to more of it; asked again every `every` milliseconds. */
export function useRows<Data, Variables extends { after?: string | null }, Node, Row>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  every: number,
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
