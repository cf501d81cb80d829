import { Trans, useLingui } from '@lingui/react/macro'
import { Download } from 'lucide-react'
import { useState } from 'react'
import { ActLines } from '@/components/cost/act-lines'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { moment } from '@/components/page/moments'
import { MoreRows } from '@/components/page/more-rows'
import { Section } from '@/components/page/section'
import { Segments } from '@/components/page/segments'
import { featureWords } from '@/features/usage/words'
import { unmask } from '@/gql/fragment-masking'
import { ActPartsFragmentDoc, type EntryPartsFragment, type TransferKind } from '@/gql/graphql'
import { browserZone } from '@/lib/browser-zone'
import { exactCredits } from '@/lib/credits'
import { useServiceInfo } from '@/lib/service-info'
import { useLedger } from './use-billing'
import { kindWords } from './words'

type Choice = 'all' | 'spent' | 'bought' | 'other'

const kindsOf: Record<Choice, readonly TransferKind[] | null> = {
  all: null,
  spent: ['CHARGE'],
  bought: ['PURCHASE'],
  other: ['REFUND', 'DISPUTE', 'REINSTATEMENT', 'GRANT', 'ADJUSTMENT', 'REPAYMENT'],
}

/** The movements on show as a table, the whole of them. */
function csvOf(kinds: readonly TransferKind[] | null): string {
  const query = new URLSearchParams({ timeZone: browserZone() })
  for (const kind of kinds ?? []) query.append('kind', kind)
  return `/billing/ledger.csv?${query.toString()}`
}

/** Everything that went into and out of the wallet, each charge explained. */
export function Ledger() {
  const { t } = useLingui()
  const [choice, setChoice] = useState<Choice>('all')
  const kinds = kindsOf[choice]
  const { rows, failed, retry, ...end } = useLedger(kinds)
  return (
    <Section
      anchor="ledger"
      title={t`Every movement`}
      note={t`Nothing here is ever changed. Open a line to see how its amount comes about.`}
    >
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
        <Segments<Choice>
          label={t`Which movements`}
          value={choice}
          options={[
            { value: 'all', label: t({ message: 'All', context: 'movements' }) },
            { value: 'spent', label: t`Spent` },
            { value: 'bought', label: t`Bought` },
            { value: 'other', label: t`Other` },
          ]}
          onChoose={setChoice}
        />
        <a
          href={csvOf(kinds)}
          download
          className="inline-flex min-h-8 items-center gap-1.5 rounded-control border border-line-strong px-3 text-sm font-medium hover:bg-hover touch:min-h-11"
        >
          <Download size={15} aria-hidden="true" />
          <Trans>Download as CSV</Trans>
        </a>
      </div>
      {failed && <LoadFailed onRetry={retry} />}
      {!rows && !failed && <Loading rows={5} />}
      {rows?.length === 0 && (
        <p className="text-sm text-ink-3">
          <Trans>There is no such movement.</Trans>
        </p>
      )}
      <ul className="divide-y divide-line">
        {rows?.map((entry) => (
          <Entry key={entry.id} entry={entry} />
        ))}
      </ul>
      <MoreRows end={end} />
    </Section>
  )
}

function Entry({ entry }: { entry: EntryPartsFragment }) {
  const known = useServiceInfo()?.models ?? []
  const act = entry.usage && unmask(ActPartsFragmentDoc, entry.usage)
  const model = act && (known.find(({ id }) => id === act.modelId)?.name ?? act.modelId)
  const incoming = !entry.amount.startsWith('-')
  const line = (
    <span className="flex w-full flex-wrap items-baseline justify-between gap-x-4">
      <span className="min-w-0 text-sm">
        {kindWords(entry.kind)}
        {act && act.feature !== 'CHAT' && <span className="ml-2 text-ink-3">{featureWords(act.feature)}</span>}
        {model && <span className="ml-2 text-ink-3">{model}</span>}
        {entry.reason && <span className="ml-2 break-words text-ink-3">{entry.reason}</span>}
      </span>
      <span className="ml-auto flex items-baseline gap-x-4">
        <span className="text-xs text-ink-3">{moment(entry.createdAt)}</span>
        <span className={`text-sm whitespace-nowrap tabular-nums ${incoming ? 'font-semibold' : ''}`}>
          {incoming ? '+' : ''}
          {exactCredits(entry.amount)}
        </span>
      </span>
    </span>
  )
  if (!act) return <li className="flex py-2.5">{line}</li>
  return (
    <li>
      <details>
        <summary className="flex cursor-pointer py-2.5 hover:bg-hover">{line}</summary>
        <div className="max-w-md pb-3">
          <ActLines act={act} place={null} />
        </div>
      </details>
    </li>
  )
}
