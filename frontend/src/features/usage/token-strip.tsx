import { Trans, useLingui } from '@lingui/react/macro'
import { numberText } from '@/lib/credits'
import { Legend, LegendRow } from '@/components/chart/legend'
import { sharesOf, type Sum } from './report'
import { shareWords } from './words'

/** What the tokens were: read anew, read from the cache, written, thought. */
export function TokenStrip({ sum }: { sum: Sum }) {
  const { t } = useLingui()
  const kinds = [
    { key: 'read', name: t`Read afresh`, count: sum.promptTokens - sum.cachedTokens, series: 0 },
    { key: 'cached', name: t`Read from the cache`, count: sum.cachedTokens, series: 1 },
    { key: 'written', name: t`Written`, count: sum.outputTokens - sum.reasoningTokens, series: 2 },
    { key: 'reasoning', name: t`Reasoning`, count: sum.reasoningTokens, series: 3 },
  ]
  const shares = sharesOf(kinds.map(({ count }) => count))
  return (
    <>
      <p className="mb-3 text-sm text-ink-2">
        <Trans>
          <span className="text-xl font-semibold text-ink tabular-nums">{numberText(sum.promptTokens + sum.outputTokens)}</span>{' '}
          tokens
        </Trans>
      </p>
      <div aria-hidden="true" className="flex h-3 gap-0.5 overflow-hidden rounded-full">
        {kinds.map(
          ({ key, count, series }) =>
            count > 0 && (
              <span
                key={key}
                className="swatch h-full! min-w-1 rounded-none!"
                data-series={series}
                style={{ flexGrow: count, width: 0 }}
              />
            ),
        )}
      </div>
      <Legend className="mt-4">
        {kinds.map(({ key, name, count, series }, at) => (
          <LegendRow key={key} series={series} name={name} note={shareWords(shares[at] ?? 0)}>
            {numberText(count)}
          </LegendRow>
        ))}
      </Legend>
    </>
  )
}
