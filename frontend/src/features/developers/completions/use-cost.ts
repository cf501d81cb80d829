import { useEffect, useState } from 'react'
import { useClient } from 'urql'
import { unmask } from '@/gql/fragment-masking'
import { RequestLogRowFragmentDoc, RequestLogsDocument } from '@/gql/graphql'

/** A request is in the log within a second; so often and so many times it is looked for. */
const every = 500
const tries = 10

/**
 * What a request cost, as the account's log says; null until it does, and for keys of
 * others.
 */
export function useCost(requestId: string | null): string | null {
  const client = useClient()
  const [found, setFound] = useState<{ requestId: string; credits: string } | null>(null)
  useEffect(() => {
    if (requestId === null) return
    let left = tries
    let timer = 0
    const look = async () => {
      left -= 1
      const { data } = await client.query(RequestLogsDocument, { first: 20 }, { requestPolicy: 'network-only' }).toPromise()
      const rows = data?.viewer.requestLogs.edges.map(({ node }) => unmask(RequestLogRowFragmentDoc, node)) ?? []
      const row = rows.find(({ id }) => id === requestId)
      if (row) setFound({ requestId, credits: row.credits })
      else if (left > 0 && timer >= 0) timer = window.setTimeout(() => void look(), every)
    }
    timer = window.setTimeout(() => void look(), every)
    return () => {
      window.clearTimeout(timer)
      timer = -1
    }
  }, [client, requestId])
  return found !== null && found.requestId === requestId ? found.credits : null
}
