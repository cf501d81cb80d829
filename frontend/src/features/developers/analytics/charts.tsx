import { plural } from '@lingui/core/macro'
import { useLingui } from '@lingui/react/macro'
import { useMemo } from 'react'
import { durationWords, shareWords } from '@/features/developers/words'
import { creditsText, exactCredits, numberText, shortNumber } from '@/lib/credits'
import { spanOfSteps } from './words'
import { errorShare, type Point, type Sum } from './report'
import type { Series } from './layout'
import { TimeChart } from './time-chart'

interface ChartsProps {
  points: readonly Point[]
  names: readonly { full: string; short: string }[]
  total: Sum
  at: number | null
  onPoint(at: number | null): void
}

/** The measures of a range, one chart each, on one axis of time. */
export function Charts({ points, names, total, at, onPoint }: ChartsProps) {
  const { t } = useLingui()
  const current = at === null ? undefined : points[at]
  const sum = current?.sum ?? total
  const series = useSeries(points)
  const shared = { names, at, onPoint }
  const quantiles = ({ p50, p95 }: Sum['latencyMs']) => `p50 ${durationWords(p50)} · p95 ${durationWords(p95)}`
  return (
    <>
      <p aria-hidden="true" className="mb-3 h-5 text-sm text-ink-2">
        {at === null ? spanOfSteps(points) : names[at]?.full}
      </p>
      <TimeChart
        {...shared}
        title={t`Requests`}
        headline={requestsWords(sum)}
        shape="bars"
        series={series.requests}
        words={numberText}
        tick={shortNumber}
        height={220}
      />
      <div className="mt-9 grid gap-x-10 gap-y-9 md:grid-cols-2">
        <TimeChart
          {...shared}
          title={t`Tokens`}
          headline={t`${shortNumber(sum.promptTokens)} read · ${shortNumber(sum.outputTokens)} written`}
          shape="bars"
          series={series.tokens}
          words={numberText}
          tick={shortNumber}
          height={168}
        />
        <TimeChart
          {...shared}
          title={t`Credits`}
          headline={<data value={sum.credits}>{current ? exactCredits(sum.credits) : creditsText(sum.credits)}</data>}
          shape="bars"
          series={series.credits}
          words={(value) => creditsText(String(value))}
          tick={shortNumber}
          height={168}
        />
        <TimeChart
          {...shared}
          title={t`Time to the first token`}
          headline={quantiles(sum.firstTokenMs)}
          shape="range"
          series={series.first}
          words={durationWords}
          tick={tickWords}
          height={168}
        />
        <TimeChart
          {...shared}
          title={t`Time to the end`}
          headline={quantiles(sum.latencyMs)}
          shape="range"
          series={series.latency}
          words={durationWords}
          tick={tickWords}
          height={168}
        />
      </div>
    </>
  )
}

/** A length of time beside an axis: whole milliseconds, or seconds. */
function tickWords(ms: number): string {
  return ms < 1000 ? `${shortNumber(ms)} ms` : `${shortNumber(ms / 1000)} s`
}

function requestsWords(sum: Sum): string {
  const [requests, errors] = [numberText(sum.requests), numberText(sum.errors)]
  const all = plural(sum.requests, { one: `${requests} request`, other: `${requests} requests` })
  const bad = plural(sum.errors, { one: `${errors} error`, other: `${errors} errors` })
  return sum.errors === 0 ? all : `${all} · ${bad} (${shareWords(errorShare(sum))})`
}

function useSeries(points: readonly Point[]): Record<'requests' | 'tokens' | 'credits' | 'first' | 'latency', Series[]> {
  const { t } = useLingui()
  return useMemo(() => {
    const values = (read: (sum: Sum) => number | null) => points.map(({ sum }) => read(sum))
    return {
      requests: [
        { name: t`Succeeded`, colour: 0, values: values(({ requests, errors }) => requests - errors) },
        { name: t`Errors`, colour: 4, values: values(({ errors }) => errors) },
      ],
      tokens: [
        { name: t`Read`, colour: 0, values: values(({ promptTokens, cachedTokens }) => promptTokens - cachedTokens) },
        { name: t`From the cache`, colour: 1, values: values(({ cachedTokens }) => cachedTokens) },
        { name: t`Written`, colour: 2, values: values(({ outputTokens }) => outputTokens) },
      ],
      credits: [{ name: t`Credits`, colour: 3, values: values(({ credits }) => Number(credits)) }],
      first: [
        { name: 'p50', colour: 0, values: values(({ firstTokenMs }) => firstTokenMs.p50) },
        { name: 'p95', colour: 1, values: values(({ firstTokenMs }) => firstTokenMs.p95) },
      ],
      latency: [
        { name: 'p50', colour: 0, values: values(({ latencyMs }) => latencyMs.p50) },
        { name: 'p95', colour: 1, values: values(({ latencyMs }) => latencyMs.p95) },
      ],
    }
  }, [points, t])
}
