import type { UsageSumPartsFragment } from '@/gql/graphql'
import { amountOf, microOf } from '@/lib/credits'
import type { Range } from './range'
import { daysOf, plusDays } from './range'

/** What is drawn of a sum. */
export const measures = ['credits', 'tokens', 'acts'] as const
export type Measure = (typeof measures)[number]

export type Sum = Omit<UsageSumPartsFragment, ' $fragmentName'>

/** What was used on a day with a model. */
export interface DaySum {
  day: string
  modelId: string
  sum: Sum
}

/** One bar of the chart: a day, or several where days would be too thin. */
export interface Bar {
  /** Its first and its last day. */
  from: string
  to: string
  /** By series, in their order. */
  parts: number[]
  total: number
  /** All of it, exactly. */
  sum: Sum
}

/** What the bars are stacked of: the models, most used first; the last may be all others. */
export interface Series {
  id: string
  others: boolean
}

/** More colours than this can't be told apart. */
const maxSeries = 6
/** Above this many days a bar stands for a week. */
const maxBars = 100

export const nothing: Sum = {
  acts: 0,
  promptTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  credits: '0',
}

/** Two sums as one. */
export function plus(a: Sum, b: Sum): Sum {
  return {
    acts: a.acts + b.acts,
    promptTokens: a.promptTokens + b.promptTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    credits: amountOf((microOf(a.credits) ?? 0n) + (microOf(b.credits) ?? 0n)),
  }
}

/** A sum's size in a measure, for drawing. */
export function sizeOf(sum: Sum, measure: Measure): number {
  if (measure === 'credits') return Number(sum.credits)
  return measure === 'tokens' ? sum.promptTokens + sum.outputTokens : sum.acts
}

/** The models as series, those that cost most first. */
export function seriesOf(rows: readonly DaySum[]): Series[] {
  const sums = new Map<string, Sum>()
  for (const { modelId, sum } of rows) sums.set(modelId, plus(sums.get(modelId) ?? nothing, sum))
  const byCost = [...sums].toSorted(
    ([idA, a], [idB, b]) =>
      sizeOf(b, 'credits') - sizeOf(a, 'credits') || sizeOf(b, 'tokens') - sizeOf(a, 'tokens') || (idA < idB ? -1 : 1),
  )
  const named = byCost.length > maxSeries ? byCost.slice(0, maxSeries - 1) : byCost
  const series = named.map(([id]) => ({ id, others: false }))
  return byCost.length > named.length ? [...series, { id: '', others: true }] : series
}

/** How many days a bar stands for. */
export function daysPerBar(days: number): number {
  return days > maxBars ? 7 : 1
}

/** A bar for every day of the range, those without use too. */
export function barsOf(range: Range, rows: readonly DaySum[], series: readonly Series[], measure: Measure): Bar[] {
  const days = daysOf(range)
  const step = daysPerBar(days.length)
  const bars: Bar[] = []
  for (let at = 0; at < days.length; at += step) {
    const from = days[at] ?? range.from
    const to = plusDays(from, step - 1)
    bars.push({ from, to: to > range.to ? range.to : to, parts: series.map(() => 0), total: 0, sum: nothing })
  }
  const place = new Map(days.map((day, index) => [day, Math.floor(index / step)]))
  for (const { day, modelId, sum } of rows) {
    const bar = bars[place.get(day) ?? -1]
    if (!bar) continue
    const named = series.findIndex(({ id, others }) => !others && id === modelId)
    const part = named < 0 ? series.length - 1 : named
    const size = sizeOf(sum, measure)
    bar.parts[part] = (bar.parts[part] ?? 0) + size
    bar.total += size
    bar.sum = plus(bar.sum, sum)
  }
  return bars
}

/** The share of each size in all of them; nothing of nothing is nothing. */
export function sharesOf(sizes: readonly number[]): number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0)
  return sizes.map((size) => (all === 0 ? 0 : size / all))
}
