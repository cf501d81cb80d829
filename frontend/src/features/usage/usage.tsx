import { Trans, useLingui } from '@lingui/react/macro'
import { Download } from 'lucide-react'
import { useMemo } from 'react'
import './usage.css'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { Section } from '@/components/page/section'
import { keyName, useKeys } from '@/features/developers/use-keys'
import { browserZone } from '@/lib/browser-zone'
import { useServiceInfo } from '@/lib/service-info'
import { ByDay } from './by-day'
import { FeatureRing } from './feature-ring'
import { lastDays, momentsOf, type Range, rangeFault } from './range'
import { RangePicker, ZoneLine } from './range-picker'
import { type Series, seriesOf, sharesOf } from './report'
import { TokenStrip } from './token-strip'
import { Totals } from './totals'
import { UsageTable } from './usage-table'
import { type Usage as UsageData, useUsage } from './use-usage'

interface UsageProps {
  /** The days asked for; without them the last 30. */
  asked: { from: string | undefined; to: string | undefined }
  /** Without one nothing costs anything. */
  hasAccount: boolean
  now: Date
  onChoose(range: Range): void
}

/** What the viewer used: when, with which models, for what. */
export function Usage({ asked, hasAccount, now, onChoose }: UsageProps) {
  const { from, to } = asked
  const range = useMemo(() => {
    const wanted = { from: from ?? '', to: to ?? '' }
    return rangeFault(wanted) === null ? wanted : lastDays(30, now)
  }, [from, to, now])
  const { usage, stale, failed, retry } = useUsage(range)
  return (
    <>
      <div className="mb-3 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <RangePicker range={range} now={now} onChoose={onChoose} />
        {hasAccount && <CsvLink range={range} />}
      </div>
      <div className="mb-4">
        <ZoneLine />
      </div>
      {failed && <LoadFailed onRetry={retry} />}
      {!usage && !failed && <Loading rows={6} />}
      {usage && (
        <div className={`transition-opacity ${stale ? 'opacity-80' : ''}`} aria-busy={stale}>
          <Totals sum={usage.total} />
          {usage.total.acts === 0 ? <Empty /> : <Charts range={range} usage={usage} now={now} />}
        </div>
      )}
    </>
  )
}

function Charts({ range, usage, now }: { range: Range; usage: UsageData; now: Date }) {
  const { t } = useLingui()
  const series = useMemo(() => seriesOf(usage.days), [usage.days])
  return (
    <div className="mt-8">
      <ByDay range={range} rows={usage.days} series={series} total={usage.total} now={now} />
      <div className="grid gap-x-12 border-t border-line lg:grid-cols-2 lg:[&>section]:border-t-0 [&>section]:pt-6!">
        <Section title={t`For what`}>
          <FeatureRing rows={usage.features} />
        </Section>
        <Section title={t`Tokens`}>
          <TokenStrip sum={usage.total} />
        </Section>
      </div>
      <Section title={t`By model`}>
        <Models usage={usage} series={series} />
      </Section>
      {usage.keys.some(({ keyId }) => keyId !== '') && (
        <Section title={t`By key`}>
          <Keys usage={usage} />
        </Section>
      )}
    </div>
  )
}

function Models({ usage, series }: { usage: UsageData; series: readonly Series[] }) {
  const { t } = useLingui()
  const known = useServiceInfo()?.models ?? []
  const place = (id: string) => {
    const at = series.findIndex((one) => !one.others && one.id === id)
    return at < 0 ? series.length - 1 : at
  }
  const sorted = usage.models.toSorted((a, b) => place(a.modelId) - place(b.modelId))
  const shares = sharesOf(sorted.map(({ sum }) => Number(sum.credits)))
  const rows = sorted.map(({ modelId, sum }, at) => ({
    key: modelId,
    name: known.find(({ id }) => id === modelId)?.name ?? modelId,
    sum,
    share: shares[at] ?? 0,
    series: place(modelId),
  }))
  return <UsageTable caption={t`Usage by model`} kind={t`Model`} rows={rows} total={usage.total} />
}

function Keys({ usage }: { usage: UsageData }) {
  const { t } = useLingui()
  const known = useKeys()
  const sorted = usage.keys.toSorted((a, b) => Number(b.sum.credits) - Number(a.sum.credits) || b.sum.acts - a.sum.acts)
  const shares = sharesOf(sorted.map(({ sum }) => Number(sum.credits)))
  const rows = sorted.map(({ keyId, sum }, at) => ({
    key: keyId || 'page',
    name: keyId ? keyName(known, keyId) : t`This app`,
    sum,
    share: shares[at] ?? 0,
  }))
  return <UsageTable caption={t`Usage by key`} kind={t`Key`} rows={rows} total={usage.total} />
}

function Empty() {
  return (
    <div className="mt-12 text-center text-sm">
      <p className="text-md font-medium">
        <Trans>Nothing was used on these days.</Trans>
      </p>
      <p className="mt-1 text-ink-2">
        <Trans>Every answer that is written for you will be counted here, with its tokens and what it cost.</Trans>
      </p>
    </div>
  )
}

function CsvLink({ range }: { range: Range }) {
  const query = new URLSearchParams({ ...momentsOf(range), timeZone: browserZone() })
  return (
    <a
      href={`/billing/usage.csv?${query.toString()}`}
      download
      className="inline-flex min-h-8 items-center gap-1.5 rounded-control border border-line-strong px-3 text-sm font-medium hover:bg-hover touch:min-h-11"
    >
      <Download size={15} aria-hidden="true" />
      <Trans>Download as CSV</Trans>
    </a>
  )
}
