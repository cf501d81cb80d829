import { Trans, useLingui } from '@lingui/react/macro'
import { LockKeyhole } from 'lucide-react'
import { useCallback, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { moment } from '@/components/page/moments'
import { Button } from '@/components/ui/button'
import { HeldValuesDocument, type HeldValuesQuery } from '@/gql/graphql'
import { columnWords } from './held-words'

type Table = NonNullable<HeldValuesQuery['viewer']['dataInventory']['table']>
type Row = Table['rows']['nodes'][number]
type Column = Table['columns'][number]

interface HeldValuesProps {
  table: string
  label: string
}

/** The rows of a table with their values, a few at a time. */
export function HeldValues({ table, label }: HeldValuesProps) {
  const client = useClient()
  const [{ data, error, fetching }, execute] = useQuery({
    query: HeldValuesDocument,
    variables: { table },
    requestPolicy: 'network-only',
  })
  const [more, setMore] = useState<Table['rows'][]>([])
  const [state, setState] = useState<'idle' | 'loading' | 'failed'>('idle')
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  const found = data?.viewer.dataInventory.table
  if (!found) {
    return <div className="px-4 pb-4">{error && !fetching ? <LoadFailed onRetry={retry} /> : <Loading rows={2} />}</div>
  }
  const pages = [found.rows, ...more]
  const { hasNextPage, endCursor } = (more.at(-1) ?? found.rows).pageInfo
  const loadMore = async () => {
    setState('loading')
    const next = await client.query(HeldValuesDocument, { table, after: endCursor }, { requestPolicy: 'network-only' }).toPromise()
    const rows = next.data?.viewer.dataInventory.table?.rows
    setState(rows ? 'idle' : 'failed')
    if (rows) setMore((all) => [...all, rows])
  }
  return (
    <div className="border-t border-line bg-sunken px-4 py-3" role="region" aria-label={label}>
      <ol className="space-y-3">
        {pages
          .flatMap(({ nodes }) => nodes)
          .map((row, place) => (
            // Rows are only ever added at the end.
            // oxlint-disable-next-line react/no-array-index-key
            <li key={place}>
              <Values row={row} columns={found.columns} />
            </li>
          ))}
      </ol>
      {hasNextPage && (
        <Button className="no-print mt-3" onClick={() => void loadMore()} disabled={state === 'loading'}>
          <Trans>Show more rows</Trans>
        </Button>
      )}
      {state === 'failed' && (
        <p role="alert" className="mt-2 text-sm text-danger">
          <Trans>This can’t be loaded now. Nothing was changed.</Trans>
        </p>
      )}
      <NotShown columns={found.columns} />
    </div>
  )
}

function Values({ row, columns }: { row: Row; columns: readonly Column[] }) {
  const { t } = useLingui()
  const sealed = new Set(columns.filter(({ storage }) => storage === 'SEALED').map(({ name }) => name))
  return (
    <dl className="grid grid-cols-[6.5rem_1fr] gap-x-4 gap-y-1 rounded-row bg-surface px-3 py-2.5 text-xs leading-5 sm:grid-cols-[9rem_1fr]">
      {row.values.map(({ name, value }) => (
        <div key={name} className="contents">
          <dt className="flex min-w-0 items-baseline gap-1 text-ink-3">
            {columnWords(name)}
            {sealed.has(name) && (
              <LockKeyhole size={11} role="img" aria-label={t`stored encrypted`} className="shrink-0 translate-y-px" />
            )}
          </dt>
          <dd className="min-w-0 break-words whitespace-pre-wrap">
            <Value text={readable(value)} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** Characters of a value that are shown at first. */
const start = 600

/** A value; of a long one its beginning, until somebody asks for all of it. */
function Value({ text }: { text: string }) {
  const [whole, setWhole] = useState(false)
  if (whole || text.length <= start * 1.5) return text
  return (
    <>
      {`${text.slice(0, start)}… `}
      <button type="button" onClick={() => setWhole(true)} className="text-tide underline underline-offset-3">
        <Trans>Show all of it</Trans>
      </button>
    </>
  )
}

/** A value as people read it. */
function readable(value: string | null): string {
  if (value === null || value === '') return '–'
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value) ? moment(value) : value
}

/** What is stored and not shown, and why. */
function NotShown({ columns }: { columns: readonly Column[] }) {
  const hidden = columns.filter(({ shown }) => !shown)
  if (hidden.length === 0) return null
  return (
    <p className="mt-3 text-xs leading-5 text-ink-3">
      <Trans>Stored and not shown:</Trans>{' '}
      {hidden.map(({ name, why }) => `${columnWords(name)}${why ? ` (${why})` : ''}`).join('; ')}
    </p>
  )
}
