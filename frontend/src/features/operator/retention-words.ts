import { i18n } from '@lingui/core'
import { msg, t } from '@lingui/core/macro'
import type { MessageDescriptor } from '@lingui/core'

const names: Readonly<Record<string, MessageDescriptor>> = {
  owners: msg`Guests, with all that is theirs`,
  email_changes: msg`New addresses that wait for confirmation`,
  mails: msg`Mails that were sent or given up`,
  sessions: msg`Sessions of accounts`,
  sign_ins: msg`Sign-ins on their way`,
  operator_links: msg`The operator’s sign-in links`,
  completions: msg`Answers kept for repeated requests`,
  api_request_logs: msg`Logs of API requests`,
  api_request_hours: msg`Hourly sums of API requests`,
  api_request_thirds: msg`Eight-hour sums of API requests`,
  rate_buckets: msg`Limits that are used up`,
  rate_places: msg`Places of running streams`,
  retention_sweeps: msg`Receipts of deletions`,
  river_job: msg`Jobs that ended`,
  river_leader: msg`Who leads the jobs`,
  river_notification: msg`Messages between job runners`,
}

/** What a table holds; its name where nobody has found words. */
export function tableWords(table: string): string {
  const known = names[table]
  return known ? i18n._(known) : table
}

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** A span of time in its largest whole unit. */
export function span(seconds: number): string {
  const [unit, size] = (
    [
      ['day', day],
      ['hour', hour],
      ['minute', minute],
    ] as const
  ).find(([, one]) => seconds >= one && seconds % one === 0) ?? ['second', 1]
  const locale = i18n.locale === 'zh' ? 'zh-CN' : i18n.locale
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(seconds / size)
}

/** How long rows are kept. */
export function keptWords(keptSeconds: number, idleSeconds: number | null): string {
  const kept = keptSeconds === 0 ? t`until their own end` : t`for ${span(keptSeconds)}`
  return idleSeconds === null ? kept : t`${kept}, ${span(idleSeconds)} without use`
}
