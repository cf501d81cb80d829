import type { MessageDescriptor } from '@lingui/core'
import { i18n } from '@lingui/core'
import { msg, t } from '@lingui/core/macro'
import type { RequestOutcome } from '@/gql/graphql'
import { numberText } from '@/lib/credits'

const locale = () => (i18n.locale === 'zh' ? 'zh-CN' : i18n.locale)

const outcomes: Record<RequestOutcome, MessageDescriptor> = {
  SUCCEEDED: msg`Succeeded`,
  REFUSED: msg`Refused or stopped`,
  LIMITED: msg`Over a limit`,
  FAILED: msg`Failed`,
}

/** The outcomes that a log can be narrowed down to, in words. */
export function outcomeWords(outcome: RequestOutcome): string {
  return i18n._(outcomes[outcome])
}

/** How a request with a status ended, in words. 499: its own client was gone before the end. */
export function endWords(status: number): string {
  const outcome = outcomeOf(status)
  if (outcome !== 'REFUSED') return outcomeWords(outcome)
  return status === 499 ? t`Stopped by its client` : t`Refused`
}

/** How a request with a status ended. A stream that broke has a status of its own. */
export function outcomeOf(status: number): RequestOutcome {
  if (status === 429) return 'LIMITED'
  if (status >= 500) return 'FAILED'
  return status >= 400 ? 'REFUSED' : 'SUCCEEDED'
}

/** A length of time as short as it can be read: 840 ms, 2.4 s. A dash where there is none. */
export function durationWords(ms: number | null): string {
  if (ms === null) return '–'
  if (ms < 1000) return t`${numberText(Math.round(ms))} ms`
  const digits = ms < 10_000 ? 2 : ms < 100_000 ? 1 : 0
  const seconds = new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(
    ms / 1000,
  )
  return t`${seconds} s`
}

/** A time of day to the second, with its day unless that is today's. */
export function timeWords(time: string, now: number): string {
  const date = new Date(time)
  const isToday = date.toDateString() === new Date(now).toDateString()
  return new Intl.DateTimeFormat(locale(), {
    ...(isToday ? {} : { day: 'numeric', month: 'short' }),
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).format(date)
}

/** A moment to the millisecond, with its offset. */
export function exactTime(time: string): string {
  return new Intl.DateTimeFormat(locale(), {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).format(new Date(time))
}

/** Two moments as a span. */
export function spanOfWords(from: string | undefined, to: string | undefined): string {
  const format = new Intl.DateTimeFormat(locale(), {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  if (from && to) return format.formatRange(new Date(from), new Date(to))
  if (from) return t`since ${format.format(new Date(from))}`
  return to ? t`until ${format.format(new Date(to))}` : ''
}

/** A share, for example 0.4 %. */
export function shareWords(share: number): string {
  const digits = share > 0 && share < 0.1 ? (share < 0.001 ? 2 : 1) : 0
  return new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: digits }).format(share)
}
