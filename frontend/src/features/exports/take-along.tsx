import { useCallback, useState } from 'react'
import { useQuery } from 'urql'
import { ExportStateDocument } from '@/gql/graphql'
import { ExportData, wasExporting } from './export-data'
import { ImportData } from './import-data'

/** What somebody can take along from here, and bring. Nothing for whom nothing is kept of. */
export function TakeAlong({ error }: { error: string | null }) {
  const [returned] = useState(() => wasExporting() && error === null)
  const [{ data }, execute] = useQuery({ query: ExportStateDocument, requestPolicy: 'cache-and-network' })
  const refresh = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  if (!data || data.viewer.id === null) return null
  return (
    <>
      <ExportData viewer={data.viewer} returned={returned} onRefresh={refresh} />
      <ImportData />
    </>
  )
}
