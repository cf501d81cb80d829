import { useLingui } from '@lingui/react/macro'
import { useState } from 'react'
import { Segments } from '@/components/page/segments'
import { keyName, type NamedKey } from '@/features/developers/use-keys'
import { useServiceInfo } from '@/lib/service-info'
import type { Report, Share } from './report'
import { SumTable } from './sum-table'

type Kind = 'key' | 'model' | 'route'

interface BreakdownProps {
  report: Report
  keys: readonly NamedKey[]
  /** The words of a log's address that lead to all of these requests. */
  search: Record<string, string>
}

/** The same requests by what they came with. */
export function Breakdown({ report, keys, search }: BreakdownProps) {
  const { t } = useLingui()
  const models = useServiceInfo()?.models ?? []
  const [kind, setKind] = useState<Kind>('key')
  const words: Record<Kind, string> = { key: t`Key`, model: t`Model`, route: t`Route` }
  const titles: Record<Kind, string> = { key: t`By key`, model: t`By model`, route: t`By route` }
  const shares: Record<Kind, readonly Share[]> = { key: report.keys, model: report.models, route: report.routes }
  const nameOf = (id: string) => {
    if (kind === 'key') return keyName(keys, id)
    if (kind === 'model') return models.find((model) => model.id === id)?.name ?? (id || t`no model`)
    return id
  }
  const rows = shares[kind].map(({ id, sum }) => ({
    id: id || kind,
    name: kind === 'route' ? <span className="font-mono text-xs">{id}</span> : nameOf(id),
    plainName: nameOf(id),
    sum,
    search: id ? { ...search, [kind]: id } : null,
    share: report.total.requests === 0 ? 0 : sum.requests / report.total.requests,
  }))
  return (
    <div className="mt-8 border-t border-line pt-6">
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <h2 className="text-md font-semibold">{titles[kind]}</h2>
        <div className="no-print">
          <Segments<Kind>
            label={t`Divided by`}
            value={kind}
            options={(['key', 'model', 'route'] as const).map((value) => ({ value, label: words[value] }))}
            onChoose={setKind}
          />
        </div>
      </div>
      <SumTable caption={titles[kind]} kind={words[kind]} rows={rows} total={report.total} />
    </div>
  )
}
