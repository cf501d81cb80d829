import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { useCallback, useId, useMemo, useState } from 'react'
import { Table2 } from 'lucide-react'
import { useQuery } from 'urql'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { Segments } from '@/components/page/segments'
import { useQuarter } from '@/lib/clock'
import { useRefresh } from '@/components/page/use-refresh'
import { Button } from '@/components/ui/button'
import { Select } from '@/features/developers/select'
import { type NamedKey, useKeys } from '@/features/developers/use-keys'
import { RequestAnalyticsDocument } from '@/gql/graphql'
import { browserZone } from '@/lib/browser-zone'
import { useServiceInfo } from '@/lib/service-info'
import { Breakdown } from './breakdown'
import { Charts } from './charts'
import { type Report, reportOf } from './report'
import { type AnalyticsAsk, type RangeName, ranges, readAsk, type Step, type StepUnit, stepsOf, unitsOf, wordsOf } from './steps'
import { SumTable } from './sum-table'
import { stepNames } from './words'

/** Milliseconds between two looks while the page is looked at. */
const every = 60_000

interface AnalyticsProps {
  asked: Partial<Record<string, string>>
  onChoose(words: Record<string, string>): void
}

/** What the account's keys did, over time and by key, model and route; it sums up the request log. */
export function Analytics({ asked, onChoose }: AnalyticsProps) {
  const ask = useMemo(() => readAsk(asked), [asked])
  const keys = useKeys()
  const now = useQuarter()
  const steps = useMemo(() => stepsOf(ask.range, ask.unit, now), [ask, now])
  const { report, stale, failed, retry } = useReport(ask, steps)
  return (
    <>
      <Choices ask={ask} keys={keys} onChoose={(next) => onChoose(wordsOf(next))} />
      {failed && <LoadFailed onRetry={retry} />}
      {!report && !failed && <Loading rows={7} />}
      {report && (
        <div className={`transition-opacity ${stale ? 'opacity-80' : ''}`} aria-busy={stale}>
          {report.total.requests === 0 ? <Empty /> : <Shown ask={ask} keys={keys} report={report} />}
        </div>
      )}
    </>
  )
}

function useReport(ask: AnalyticsAsk, steps: readonly Step[]) {
  const variables = useMemo(
    () => ({
      from: (steps[0]?.start ?? new Date(0)).toISOString(),
      to: (steps.at(-1)?.end ?? new Date(0)).toISOString(),
      step: [ask.unit],
      timeZone: browserZone(),
      keyId: ask.key,
      modelId: ask.model,
    }),
    [ask, steps],
  )
  const [{ data, error, fetching, stale }, execute] = useQuery({
    query: RequestAnalyticsDocument,
    variables,
    requestPolicy: 'cache-and-network',
  })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const report = useMemo(() => (data ? reportOf(data, steps) : null), [data, steps])
  return { report, stale: fetching || stale, failed: !report && !fetching && error !== undefined, retry }
}

interface ChoicesProps {
  ask: AnalyticsAsk
  keys: readonly NamedKey[]
  onChoose(ask: AnalyticsAsk): void
}

function Choices({ ask, keys, onChoose }: ChoicesProps) {
  const { t } = useLingui()
  const models = useServiceInfo()?.models ?? []
  const rangeWords: Record<RangeName, string> = { '24h': t`24 hours`, '7d': t`7 days`, '30d': t`30 days`, '90d': t`90 days` }
  const unitWords: Record<StepUnit, string> = { HOUR: t`By hour`, DAY: t`By day` }
  const units = unitsOf(ask.range)
  const zone = browserZone()
  return (
    <div className="no-print mb-6">
      <div className="flex flex-wrap items-end gap-3">
        <Segments
          label={t`Range`}
          value={ask.range}
          options={ranges.map((value) => ({ value, label: rangeWords[value] }))}
          onChoose={(range) => onChoose({ ...ask, range, unit: unitsOf(range)[0] ?? 'DAY' })}
        />
        {units.length > 1 && (
          <Segments
            label={t`Steps`}
            value={ask.unit}
            options={units.map((value) => ({ value, label: unitWords[value] }))}
            onChoose={(unit) => onChoose({ ...ask, unit })}
          />
        )}
        <div className="grid flex-1 basis-72 grid-cols-2 gap-3 sm:max-w-md sm:justify-self-end">
          <Select
            label={t`Key`}
            value={ask.key ?? ''}
            options={[
              { value: '', label: t`All keys` },
              ...keys.map(({ id, name, lastFour }) => ({ value: id, label: `${name} …${lastFour}` })),
            ]}
            onChoose={(key) => onChoose({ ...ask, key: key || null })}
          />
          <Select
            label={t`Model`}
            value={ask.model ?? ''}
            options={[{ value: '', label: t`All models` }, ...models.map(({ id, name }) => ({ value: id, label: name }))]}
            onChoose={(model) => onChoose({ ...ask, model: model || null })}
          />
        </div>
      </div>
      <p className="mt-3 text-xs text-ink-3">
        <Trans>
          Requests with your keys, in the time of {zone}. What you use in the app too is under{' '}
          <Link to="/usage" className="text-tide underline underline-offset-3">
            Usage
          </Link>
          . Errors are all that did not succeed: what was refused, over a limit or failed, and what its own client stopped.
        </Trans>
      </p>
    </div>
  )
}

function Shown({ ask, keys, report }: { ask: AnalyticsAsk; keys: readonly NamedKey[]; report: Report }) {
  const { t } = useLingui()
  const tableId = useId()
  const [at, setAt] = useState<number | null>(null)
  const [table, setTable] = useState(false)
  const { points, total } = report
  const names = useMemo(() => stepNames(points, ask.unit), [points, ask.unit])
  const narrowed = { ...(ask.key ? { key: ask.key } : {}), ...(ask.model ? { model: ask.model } : {}) }
  const rows = points
    .map(({ start, end, sum }, step) => ({
      id: start.toISOString(),
      name: names[step]?.full ?? '',
      plainName: names[step]?.full ?? '',
      sum,
      search: { ...narrowed, from: start.toISOString(), to: end.toISOString() },
    }))
    .filter(({ sum }) => sum.requests > 0)
    .toReversed()
  const span = { from: points[0]?.start.toISOString() ?? '', to: points.at(-1)?.end.toISOString() ?? '' }
  return (
    <>
      <Charts points={points} names={names} total={total} at={at} onPoint={setAt} />
      <Button
        look="quiet"
        aria-expanded={table}
        aria-controls={tableId}
        onClick={() => setTable(!table)}
        className="no-print mt-4 -ml-3"
      >
        <Table2 size={15} aria-hidden="true" />
        {table ? <Trans>Hide the table</Trans> : <Trans>Show as a table</Trans>}
      </Button>
      <div id={tableId} hidden={!table} className="mt-2">
        {table && (
          <SumTable caption={t`Requests over time`} kind={ask.unit === 'DAY' ? t`Day` : t`Hour`} rows={rows} total={total} />
        )}
      </div>
      <Breakdown report={report} keys={keys} search={{ ...narrowed, ...span }} />
    </>
  )
}

function Empty() {
  return (
    <div className="mt-14 text-center text-sm">
      <p className="text-md font-medium">
        <Trans>No requests in this time.</Trans>
      </p>
      <p className="mt-1 text-ink-2">
        <Trans>
          What programs ask for with your keys is counted here.{' '}
          <Link to="/developers/$page" params={{ page: 'quick-starts' }} className="text-tide underline underline-offset-3">
            Quick starts
          </Link>
        </Trans>
      </p>
    </div>
  )
}
