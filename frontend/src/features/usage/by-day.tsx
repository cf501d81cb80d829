import { Trans, useLingui } from '@lingui/react/macro'
import { Table2 } from 'lucide-react'
import { useId, useMemo, useState } from 'react'
import { Button } from '@/components/ui/button'
import { exactCredits } from '@/lib/credits'
import { useServiceInfo } from '@/lib/service-info'
import { DayChart } from './day-chart'
import { LegendRow } from '@/components/chart/legend'
import { dayOf, type Range } from './range'
import { type Bar, barsOf, type DaySum, type Measure, measures, type Series, sizeOf, type Sum } from './report'
import { Segments } from '@/components/page/segments'
import { UsageTable } from './usage-table'
import { dayWords, sizeWords, spanWords } from './words'

interface ByDayProps {
  range: Range
  rows: readonly DaySum[]
  series: readonly Series[]
  total: Sum
  now: Date
}

/** Use by day: a chart whose legend tells the day that is pointed at, and the same as a table. */
export function ByDay({ range, rows, series, total, now }: ByDayProps) {
  const { t } = useLingui()
  const tableId = useId()
  const [wish, setMeasure] = useState<Measure>('credits')
  // Where nothing costs anything there is nothing to see of it.
  const measure = wish === 'credits' && Number(total.credits) === 0 ? 'tokens' : wish
  const [at, setAt] = useState<number | null>(null)
  const [table, setTable] = useState(false)
  const bars = useMemo(() => barsOf(range, rows, series, measure), [range, rows, series, measure])
  const words: Record<Measure, string> = { credits: t`Credits`, tokens: t`Tokens`, acts: t`Requests` }
  const current = at === null ? undefined : bars[at]
  return (
    <section aria-label={t`By day`} className="pb-6">
      <div className="mb-3 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
        <Readout bar={current} range={range} total={total} measure={measure} />
        <Segments<Measure>
          label={t`What is drawn`}
          value={measure}
          options={measures.map((value) => ({ value, label: words[value] }))}
          onChoose={(value) => setMeasure(value)}
        />
      </div>
      <DayChart bars={bars} measure={measure} at={at} onPoint={setAt} today={dayOf(now)} />
      <ModelLegend series={series} bars={current ? [current] : bars} measure={measure} />
      <Button look="quiet" aria-expanded={table} aria-controls={tableId} onClick={() => setTable(!table)} className="mt-3 -ml-3">
        <Table2 size={15} aria-hidden="true" />
        {table ? <Trans>Hide the table</Trans> : <Trans>Show as a table</Trans>}
      </Button>
      <div id={tableId} hidden={!table} className="mt-2 max-h-96 overflow-y-auto">
        {table && <DayTable bars={bars} total={total} />}
      </div>
    </section>
  )
}

interface ReadoutProps {
  bar: Bar | undefined
  range: Range
  total: Sum
  measure: Measure
}

function Readout({ bar, range, total, measure }: ReadoutProps) {
  const sum = bar?.sum ?? total
  return (
    <p className="min-w-0">
      <span className="block text-sm text-ink-2">{bar ? spanWords(bar.from, bar.to) : spanWords(range.from, range.to)}</span>
      <span
        className="block text-xl font-semibold tabular-nums"
        title={measure === 'credits' ? exactCredits(sum.credits) : undefined}
      >
        {sizeWords(sizeOf(sum, measure), measure)}
      </span>
    </p>
  )
}

function ModelLegend({ series, bars, measure }: { series: readonly Series[]; bars: readonly Bar[]; measure: Measure }) {
  const { t } = useLingui()
  const known = useServiceInfo()?.models ?? []
  const sizes = series.map((_, at) => bars.reduce((sum, bar) => sum + (bar.parts[at] ?? 0), 0))
  return (
    <ul className="mt-2 flex flex-wrap gap-x-6 gap-y-1 pl-11 text-sm">
      {series.map(({ id, others }, at) => (
        <LegendRow key={id} series={at} name={others ? t`Other models` : (known.find((model) => model.id === id)?.name ?? id)}>
          {sizeWords(sizes[at] ?? 0, measure)}
        </LegendRow>
      ))}
    </ul>
  )
}

function DayTable({ bars, total }: { bars: readonly Bar[]; total: Sum }) {
  const { t } = useLingui()
  const rows = bars
    .filter(({ sum }) => sum.acts > 0)
    .map(({ from, to, sum }) => ({ key: from, name: from === to ? dayWords(from, 'full') : spanWords(from, to), sum }))
    .toReversed()
  return <UsageTable caption={t`Usage by day`} kind={t`Day`} rows={rows} total={total} />
}
