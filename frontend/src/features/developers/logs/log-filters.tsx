import { Trans, useLingui } from '@lingui/react/macro'
import { useMemo, useState } from 'react'
import { useQuery } from 'urql'
import { Button } from '@/components/ui/button'
import { Select } from '@/features/developers/select'
import type { NamedKey } from '@/features/developers/use-keys'
import { outcomeWords, spanOfWords } from '@/features/developers/words'
import { DeveloperRoutesDocument } from '@/gql/graphql'
import { useServiceInfo } from '@/lib/service-info'
import { isNarrow, type LogFilter, outcomes, type Span, spans } from './filter'

/** How far back a log reaches. */
const reach = 90 * 86_400_000

interface LogFiltersProps {
  filter: LogFilter
  keys: readonly NamedKey[]
  onChoose(filter: LogFilter): void
}

/** Narrows the list down; every choice is in the address. */
export function LogFilters({ filter, keys, onChoose }: LogFiltersProps) {
  const { t } = useLingui()
  const models = useServiceInfo()?.models ?? []
  const routes = useRoutes(filter.route)
  const set = (part: LogFilter) => {
    const next = { ...filter, ...part }
    for (const name of Object.keys(part) as (keyof LogFilter)[]) if (!next[name]) delete next[name]
    onChoose(next)
  }
  const all = (label: string) => ({ value: '', label })
  const known = <T extends string>(options: { value: T; label: string }[], value: T | undefined) =>
    value && !options.some((option) => option.value === value) ? [...options, { value, label: value }] : options
  return (
    <div role="search" aria-label={t`Filter the log`} className="no-print flex flex-wrap items-end gap-x-3 gap-y-3">
      <div className="grid min-w-0 flex-1 grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-5">
        <Select
          label={t`Key`}
          value={filter.key ?? ''}
          options={[
            all(t`All keys`),
            ...known(
              keys.map(({ id, name, lastFour }) => ({ value: id, label: `${name} …${lastFour}` })),
              filter.key,
            ),
          ]}
          onChoose={(key) => set({ key })}
        />
        <Select
          label={t`Outcome`}
          value={filter.outcome ?? ''}
          options={[all(t`All outcomes`), ...outcomes.map((value) => ({ value, label: outcomeWords(value) }))]}
          onChoose={(outcome) => set({ outcome: outcomes.find((one) => one === outcome) })}
        />
        <Select
          label={t`Model`}
          value={filter.model ?? ''}
          options={[
            all(t`All models`),
            ...known(
              models.map(({ id, name }) => ({ value: id, label: name })),
              filter.model,
            ),
          ]}
          onChoose={(model) => set({ model })}
        />
        <Select
          label={t`Route`}
          value={filter.route ?? ''}
          options={[all(t`All routes`), ...routes.map((value) => ({ value, label: value }))]}
          onChoose={(route) => set({ route })}
        />
        <Times filter={filter} onChoose={(since) => set({ since, from: undefined, to: undefined })} />
      </div>
      {isNarrow(filter) && (
        <Button look="quiet" onClick={() => onChoose({})}>
          <Trans>Show all</Trans>
        </Button>
      )}
    </div>
  )
}

function Times({ filter, onChoose }: { filter: LogFilter; onChoose(since: Span | undefined): void }) {
  const { t } = useLingui()
  const words: Record<Span, string> = { '1h': t`Last hour`, '24h': t`Last 24 hours`, '7d': t`Last 7 days`, '30d': t`Last 30 days` }
  const own = filter.from || filter.to ? [{ value: 'own', label: spanOfWords(filter.from, filter.to) }] : []
  const options = [
    { value: '', label: t`All 90 days` },
    ...(Object.keys(spans) as Span[]).map((value) => ({ value, label: words[value] })),
    ...own,
  ]
  return (
    <Select
      label={t`Time`}
      value={own.length > 0 ? 'own' : (filter.since ?? '')}
      options={options}
      onChoose={(value) => onChoose((Object.keys(spans) as Span[]).find((span) => span === value))}
    />
  )
}

/** The routes that there are rows of, and the one that is asked for. */
function useRoutes(asked: string | undefined): string[] {
  const [variables] = useState(() => ({
    from: new Date(Date.now() - reach).toISOString(),
    to: new Date(Date.now() + 60_000).toISOString(),
  }))
  const [{ data }] = useQuery({ query: DeveloperRoutesDocument, variables, requestPolicy: 'network-only' })
  return useMemo(() => {
    const found = data?.viewer.requestAnalytics.groups.flatMap(({ route }) => (route ? [route] : [])) ?? []
    return [...new Set([...found, ...(asked ? [asked] : [])])].toSorted()
  }, [data, asked])
}
