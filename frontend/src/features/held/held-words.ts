import type { MessageDescriptor } from '@lingui/core'
import { i18n } from '@lingui/core'
import { msg, t } from '@lingui/core/macro'
import type { HeldTableFragment } from '@/gql/graphql'

interface GroupWords {
  title: MessageDescriptor
  purpose: MessageDescriptor
}

/** The kinds of data as the policy names them. */
const groups: Readonly<Record<string, GroupWords>> = {
  account: {
    title: msg`Your account`,
    purpose: msg`To run your account, to help you when you ask, and to keep your balance.`,
  },
  conversations: {
    title: msg`Your conversations`,
    purpose: msg`To answer you and to keep the context of a conversation. No model is ever trained with them.`,
  },
  usage: {
    title: msg`Your use`,
    purpose: msg`To keep your balance, to find out how well the service performs, and to make it better to use.`,
  },
  device: {
    title: msg`Your devices`,
    purpose: msg`To work on your device, and so that you recognise your own sessions.`,
  },
  cookies: {
    title: msg`Cookies and sessions`,
    purpose: msg`To sign you in, to count the messages of guests, and to remember what you chose.`,
  },
  payments: { title: msg`Payments`, purpose: msg`To sell credits and to keep the books.` },
  api: {
    title: msg`Use of the API`,
    purpose: msg`To watch over the service, to keep to limits, and to analyse performance.`,
  },
  audit: { title: msg`What was done`, purpose: msg`To prove who did what with accounts, keys and data.` },
}

/** What a kind of data is called and is for; a new kind in the server's own words. */
export function groupWords({ name, purpose }: { name: string; purpose: string }): { title: string; purpose: string } {
  const known = groups[name]
  return known ? { title: i18n._(known.title), purpose: i18n._(known.purpose) } : { title: name, purpose }
}

/** What tables hold. */
const tables: Readonly<Record<string, MessageDescriptor>> = {
  owners: msg`That you are here: an account or a guest, and when you were last active`,
  accounts: msg`Name, e-mail address and preferences`,
  identities: msg`Which provider signs you in, and by which id`,
  email_changes: msg`A new e-mail address that waits for its confirmation`,
  age_confirmations: msg`That you are old enough, and when you said so`,
  policy_acceptances: msg`Which versions of the privacy policy you accepted`,
  consents: msg`What you agreed to and withdrew`,
  mails: msg`Mails to you that wait or were sent lately`,
  sessions: msg`Where you are signed in: device, system and browser`,
  sign_ins: msg`A sign-in on its way to a provider`,
  conversations: msg`Conversations: titles, and when they changed`,
  messages: msg`Messages and replies, all branches`,
  runs: msg`How replies were written`,
  run_chunks: msg`What a reply that is being written has so far`,
  clearings: msg`The last deletion of all conversations`,
  shares: msg`Conversations that you shared by link, as they were then`,
  completions: msg`Answers to programs that may ask the same again`,
  wallets: msg`Which number in the books is yours`,
  usage_rows: msg`What you used: one row for each answer, without content`,
  credit_adjustments: msg`Credits that the operator gave or took, and why`,
  ledger_accounts: msg`Your accounts in the books, under random numbers`,
  ledger_balances: msg`Your balance`,
  ledger_transfers: msg`What moved credits`,
  ledger_entries: msg`How many credits moved`,
  ledger_holds: msg`Credits that were held while an answer was written`,
  purchases: msg`What you bought: amounts and state`,
  payment_details: msg`How you paid, billing address and receipt`,
  payment_customers: msg`Which customer you are at a payment provider`,
  payment_events: msg`What payment providers told of your purchases`,
  payment_quarantine: msg`Payments that did not match what was ordered`,
  api_keys: msg`API keys: name, scopes and limits, never the key`,
  key_budgets: msg`What each key may spend and has spent`,
  api_request_subjects: msg`Which number stands for you in the logs of requests`,
  api_request_keys: msg`Which number stands for a key in the logs of requests`,
  api_request_logs: msg`Requests to the API, one row each, without content`,
  api_request_hours: msg`Sums of requests by the hour`,
  api_request_thirds: msg`Sums of requests by the third of a day`,
  api_request_days: msg`Totals of requests by the day`,
  rate_buckets: msg`How far your limits are used up`,
  rate_places: msg`How much of yours runs at the moment`,
  audit_subjects: msg`Which random name stands for you in the log of what was done`,
  audit_entries: msg`What was done with your account, keys and data`,
}

/** What a table holds; of a new one in the server's own words. */
export function tableWords({ name, about }: { name: string; about: string }): string {
  const known = tables[name]
  return known ? i18n._(known) : about.replace(/\.$/, '')
}

const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** A time span in its largest whole unit: "90 days". */
export function span(seconds: number): string {
  const [unit, size] = units.find(([, length]) => seconds % length === 0) ?? units[3]
  const locale = i18n.locale === 'zh' ? 'zh-CN' : i18n.locale
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(seconds / size)
}

/** For how long rows are kept, and what a deletion does with them. */
export function keptWords({ retention, erasure }: Pick<HeldTableFragment, 'retention' | 'erasure'>, isGuest: boolean): string {
  const { rule, seconds, guestSeconds } = retention
  if (erasure === 'UNLINKED') {
    if (seconds) {
      const most = span(seconds)
      return t`Kept for ${most} at most; after a deletion nothing leads from it to you`
    }
    return t`Kept for good; after a deletion nothing leads from it to you`
  }
  if (rule === 'LIMITED') {
    if (!seconds) return t`Kept until it runs out; deleted with everything of yours`
    const most = span(seconds)
    return t`Kept for ${most} at most; deleted with everything of yours`
  }
  if (isGuest) {
    const last = span(guestSeconds ?? 30 * 86_400)
    return t`Kept until ${last} after you were last active; deleted with everything of yours`
  }
  if (seconds) {
    const most = span(seconds)
    return t`Kept for ${most} at most; deleted with your account`
  }
  return t`Kept as long as your account; deleted with it`
}

/** A column's name as people read it: how it is stored is told by a mark. */
export const columnWords = (name: string): string => name.replace(/_sealed$/, '').replaceAll('_', ' ')
