import { Trans } from '@lingui/react/macro'
import { arc, pie } from 'd3-shape'
import type { Feature } from '@/gql/graphql'
import { creditsText, exactCredits } from '@/lib/credits'
import { Legend, LegendRow } from '@/components/chart/legend'
import { sharesOf, type Sum, sizeOf } from './report'
import { featureWords, shareWords } from './words'

/** What was used for something. */
export interface FeatureSum {
  feature: Feature
  sum: Sum
}

const size = 148
const slice = arc<{ startAngle: number; endAngle: number }>()
  .innerRadius(size / 2 - 22)
  .outerRadius(size / 2)
  .cornerRadius(3)
// They come sorted; the order is theirs.
const places = pie<number>().sortValues(null).padAngle(0.012)

/** For what credits were spent: a ring, and the same as a list. Acts are counted where nothing cost anything. */
export function FeatureRing({ rows }: { rows: readonly FeatureSum[] }) {
  const measure = rows.some(({ sum }) => Number(sum.credits) > 0) ? 'credits' : 'acts'
  const sorted = rows.toSorted((a, b) => sizeOf(b.sum, measure) - sizeOf(a.sum, measure))
  const sizes = sorted.map(({ sum }) => sizeOf(sum, measure))
  const shares = sharesOf(sizes)
  const all = sizes.reduce((sum, one) => sum + one, 0)
  return (
    <div className="flex flex-wrap items-center gap-x-8 gap-y-5">
      <svg width={size} height={size} viewBox={`${-size / 2} ${-size / 2} ${size} ${size}`} aria-hidden="true" className="shrink-0">
        <g className="usage-ring">
          {places(sizes).map((place) => (
            <path key={place.index} className="series" data-series={place.index} d={slice(place) ?? undefined} />
          ))}
        </g>
        <text textAnchor="middle" dy="-0.05em" className="fill-ink text-lg font-semibold tabular-nums">
          {creditsText(String(all))}
        </text>
        <text textAnchor="middle" dy="1.5em" className="fill-ink-3 text-xs">
          {measure === 'credits' ? <Trans>credits</Trans> : <Trans>requests</Trans>}
        </text>
      </svg>
      <Legend className="min-w-44 flex-1">
        {sorted.map(({ feature, sum }, at) => (
          <LegendRow key={feature} series={at} name={featureWords(feature)} note={shareWords(shares[at] ?? 0)}>
            {measure === 'credits' ? (
              <data value={sum.credits} title={exactCredits(sum.credits)}>
                {creditsText(sum.credits)}
              </data>
            ) : (
              sum.acts
            )}
          </LegendRow>
        ))}
      </Legend>
    </div>
  )
}
