import { i18n } from '@lingui/core'
import { t } from '@lingui/core/macro'

const locale = () => (i18n.locale === 'zh' ? 'zh-CN' : i18n.locale)

/** A day, for example "23 November 2026" in the page's language. */
export function day(time: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'long' }).format(new Date(time))
}

/** A day and a time of day. */
export function moment(time: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time))
}

/** A time of day. */
export function timeOfDay(time: string): string {
  return new Intl.DateTimeFormat(locale(), { timeStyle: 'short' }).format(new Date(time))
}

const minute = 60_000
const hour = 60 * minute

/** How long ago, as coarse as the server knows it: five minutes. */
export function ago(time: string, now: number): string {
  const past = Math.max(0, now - Date.parse(time))
  if (past < 6 * minute) return t`active now`
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' })
  if (past < hour) return format.format(-Math.round(past / minute), 'minute')
  if (past < 24 * hour) return format.format(-Math.round(past / hour), 'hour')
  return format.format(-Math.round(past / (24 * hour)), 'day')
}
