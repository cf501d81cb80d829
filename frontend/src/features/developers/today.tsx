import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { type ReactNode, useCallback, useMemo, useRef } from 'react'
import { useQuery } from 'urql'
import { useQuarter } from '@/lib/clock'
import { useRefresh } from '@/components/page/use-refresh'
import { useWidth } from '@/components/chart/use-width'
import { layOut, margin } from '@/features/developers/analytics/layout'
import { errorShare, type Point, reportOf } from '@/features/developers/analytics/report'
import { stepsOf } from '@/features/developers/analytics/steps'
import { RequestAnalyticsDocument } from '@/gql/graphql'
import { browserZone } from '@/lib/browser-zone'
import { creditsText, numberText, shortNumber } from '@/lib/credits'
import { durationWords, shareWords } from './words'

/** Milliseconds between two looks while the page is looked at. */
const every = 60_000

/** The last 24 hours in a line of figures, drawn by hour; nothing while there is nothing to tell. */
export function Today() {
  const { t } = useLingui()
  const now = useQuarter()
  const steps = useMemo(() => stepsOf('24h', 'HOUR', now), [now])
  const variables = useMemo(
    () => ({
      from: (steps[0]?.start ?? new Date(0)).toISOString(),
      to: (steps.at(-1)?.end ?? new Date(0)).toISOString(),
      step: ['HOUR' as const],
      timeZone: browserZone(),
      keyId: null,
      modelId: null,
    }),
    [steps],
  )
  const [{ data }, execute] = useQuery({ query: RequestAnalyticsDocument, variables, requestPolicy: 'cache-and-network' })
  useRefresh(
    useCallback(() => execute({ requestPolicy: 'network-only' }), [execute]),
    every,
  )
  const report = useMemo(() => (data ? reportOf(data, steps) : null), [data, steps])
  if (!report || report.total.requests === 0) return null
  const { total, points } = report
  return (
    <section aria-label={t`The last 24 hours`} className="mb-8">
      <div className="mb-3 flex flex-wrap items-baseline justify-between gap-x-4">
        <h2 className="text-md font-semibold">
          <Trans>The last 24 hours</Trans>
        </h2>
        <Link
          to="/developers/$page"
          params={{ page: 'analytics' }}
          search={{ range: '24h' }}
          className="text-sm text-tide underline underline-offset-3"
        >
          <Trans>Look closer</Trans>
        </Link>
      </div>
      <Spark points={points} />
      <dl className="mt-4 grid grid-cols-2 gap-x-6 gap-y-3 sm:grid-cols-4">
        <Figure name={t`Requests`}>{total.requests < 100_000 ? numberText(total.requests) : shortNumber(total.requests)}</Figure>
        <Figure name={t`Errors`}>{shareWords(errorShare(total))}</Figure>
        <Figure name={t`First token, p50`}>{durationWords(total.firstTokenMs.p50)}</Figure>
        <Figure name={t`Credits`}>{creditsText(total.credits)}</Figure>
      </dl>
    </section>
  )
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd className="text-lg font-semibold tabular-nums">{children}</dd>
    </div>
  )
}

/** The shape of the day; its numbers are a page away. */
function Spark({ points }: { points: readonly Point[] }) {
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box, 480)
  const height = 72
  const { boxes } = useMemo(() => {
    const series = [
      { name: '', colour: 0, values: points.map(({ sum }) => sum.requests - sum.errors) },
      { name: '', colour: 4, values: points.map(({ sum }) => sum.errors) },
    ]
    return layOut(series, points.length, 'bars', width + margin.left + margin.right, height + margin.bottom)
  }, [points, width])
  return (
    <div ref={box} className="time-chart cursor-default!">
      <svg
        width={width}
        height={height}
        viewBox={`${margin.left} 0 ${width} ${height}`}
        aria-hidden="true"
        className="block border-b border-line-strong"
      >
        <g className="bars">
          {boxes.flatMap((parts, step) =>
            parts.map(({ colour, path }) => (
              <path key={`${step} ${colour}`} className="series" data-series={colour} d={path} strokeWidth={0} />
            )),
          )}
        </g>
      </svg>
    </div>
  )
}
