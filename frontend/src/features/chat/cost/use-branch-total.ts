import type { Client, OperationResult } from '@urql/core'
import { useEffect, useMemo, useState } from 'react'
import { useClient } from 'urql'
import { BranchCostsDocument, type BranchCostsQuery } from '@/gql/graphql'
import { branchTotal, costsOf } from './arithmetic'

interface BranchProps {
  conversationId: string
  /** The branch as far as it is loaded, oldest first. */
  messages: readonly { id: string; credits: string | null }[]
  hasOlder: boolean
}

const nothing: ReadonlyMap<string, string> = new Map()

/**
 * Asks for what the messages before `oldest` cost, page by page from the leaf on: whatever
 * comes after them may be written anew. Null when it can't be known, or isn't wanted any more.
 */
async function loadOlder(
  client: Client,
  id: string,
  oldest: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | null> {
  const costs = new Map<string, string>()
  let reached = false
  let after: string | null = null
  do {
    const result: OperationResult<BranchCostsQuery> = await client
      .query(BranchCostsDocument, { id, after }, { requestPolicy: 'network-only' })
      .toPromise()
    const branch = result.data?.viewer.conversation?.branch
    if (!branch || signal.aborted) return null
    const nodes = branch.edges.map(({ node }) => node)
    const from: number = reached ? 0 : nodes.findIndex((node) => node.id === oldest) + 1
    reached ||= from > 0
    if (reached) for (const [message, credits] of costsOf(nodes.slice(from))) costs.set(message, credits)
    after = branch.pageInfo.hasNextPage ? branch.pageInfo.endCursor : null
  } while (after !== null)
  return reached ? costs : null
}

/** What a whole branch cost; null while its older part isn't known. */
export function useBranchTotal({ conversationId, messages, hasOlder }: BranchProps): { credits: string; answers: number } | null {
  const client = useClient()
  const oldest = messages[0]?.id ?? ''
  const place = `${conversationId} ${oldest}`
  const [older, setOlder] = useState<{ place: string; costs: ReadonlyMap<string, string> } | null>(null)
  useEffect(() => {
    if (!hasOlder) return
    const abort = new AbortController()
    void loadOlder(client, conversationId, oldest, abort.signal).then((costs) => {
      if (costs) setOlder({ place, costs })
    })
    return () => abort.abort()
  }, [client, conversationId, hasOlder, oldest, place])
  const loaded = useMemo(() => costsOf(messages), [messages])
  const known = older?.place === place ? older.costs : null
  return hasOlder && !known ? null : branchTotal(hasOlder && known ? known : nothing, loaded)
}
