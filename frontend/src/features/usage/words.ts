import type { MessageDescriptor } from '@lingui/core'
import { i18n } from '@lingui/core'
import { msg, plural } from '@lingui/core/macro'
import type { Feature } from '@/gql/graphql'
import { creditsText, numberText } from '@/lib/credits'
import { startOf } from './range'
import type { Measure } from './report'

const features: Record<Feature, MessageDescriptor> = {
  CHAT: msg`Messages`,
  EDIT: msg`Edited messages`,
  REGENERATE: msg`Regenerated answers`,
  CONTINUE: msg`Continued answers`,
  API: msg`Programs`,
}

/** What was done, in words. */
export function featureWords(feature: Feature): string {
  return i18n._(features[feature])
}

const locale = () => (i18n.locale === 'zh' ? 'zh-CN' : i18n.locale)

/** A day of the browser's calendar: in full, or as short as below a chart. */
export function dayWords(day: string, length: 'full' | 'short'): string {
  const start = startOf(day)
  if (!start) return day
  const parts: Intl.DateTimeFormatOptions =
    length === 'full' ? { weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' } : { day: 'numeric', month: 'short' }
  return new Intl.DateTimeFormat(locale(), parts).format(start)
}

/** A bar's days. */
export function spanWords(from: string, to: string): string {
  if (from === to) return dayWords(from, 'full')
  const [first, last] = [startOf(from), startOf(to)]
  if (!first || !last) return from
  return new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'long', year: 'numeric' }).formatRange(first, last)
}

/** A size with its unit. */
export function sizeWords(size: number, measure: Measure): string {
  if (measure === 'credits') {
    const amount = creditsText(String(size))
    return plural(size, { one: `${amount} credit`, other: `${amount} credits` })
  }
  const number = numberText(size)
  if (measure === 'tokens') return plural(size, { one: `${number} token`, other: `${number} tokens` })
  return plural(size, { one: '# request', other: '# requests' })
}

/** A share, for example 12.5 %. */
export function shareWords(share: number): string {
  return new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: share > 0 && share < 0.1 ? 1 : 0 }).format(
    share,
  )
}
