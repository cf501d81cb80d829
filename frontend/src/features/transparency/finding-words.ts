import { i18n } from '@lingui/core'
import { plural, t } from '@lingui/core/macro'
import { day, moment } from '@/components/page/moments'
import type { HopProtection, HopWay, TransparencyQuery } from '@/gql/graphql'
import { numberText } from '@/lib/credits'
import { hopWords, protectionWords } from './hop-words'

export type Finding = TransparencyQuery['transparency']['clauses'][number]['findings'][number]
type Value = Finding['values'][number]

type Spans = 'age' | 'limit' | 'slowest'
type Times = 'day' | 'last' | 'since'
type Texts =
  | 'check'
  | 'columns'
  | 'clauses'
  | 'fields'
  | 'figures'
  | 'hash'
  | 'invariants'
  | 'names'
  | 'protection'
  | 'reason'
  | 'rules'
  | 'to'
  | 'version'
  | 'way'
  | 'words'
type Numbers =
  | 'accounts'
  | 'acts'
  | 'answered'
  | 'asked'
  | 'audits'
  | 'calls'
  | 'cases'
  | 'clauses'
  | 'columns'
  | 'done'
  | 'entries'
  | 'failed'
  | 'faults'
  | 'hops'
  | 'kept'
  | 'mails'
  | 'open'
  | 'opened'
  | 'ready'
  | 'recipients'
  | 'refused'
  | 'rows'
  | 'rules'
  | 'running'
  | 'sent'
  | 'tables'
  | 'values'
  | 'waiting'

/** What is filled in, as it is read. */
type Said = Readonly<Record<Spans | Times | Texts | Numbers, string>>
/** Numbers, where a word depends on them. */
type Counts = Readonly<Record<Numbers, number>>

function times(count: number): string {
  const often = numberText(count)
  return count === 1 ? t`once` : t`${often} times`
}

/** The sentences of internal/transparency/words.go, by their codes. */
const sentences: Readonly<Record<string, (said: Said, count: Counts) => string>> = {
  text_changed: ({ reason }) => t`The published text is not what it was: ${reason}.`,
  clauses_differ: ({ clauses }) => t`The text and the register of the program have not the same clauses: ${clauses}.`,
  text_as_published: ({ version, hash, clauses }) =>
    t`Version ${version} is shown as it was published: its SHA-256 begins with ${hash}. Each of its ${clauses} clauses has checks.`,
  figure_differs: ({ words, kept }) => t`“${words}” is promised, and the program keeps to ${kept}.`,
  no_figures: () => t`The policy names no figures.`,
  figures_kept: ({ figures }) => t`The program keeps to each figure of the text: ${figures}.`,
  version: ({ version }) =>
    t`Version ${version} of the program answers here, on machines of whoever runs this installation. It calls nobody but the recipients listed.`,
  hop: ({ way, to, protection }) => {
    const hop = hopWords(way as HopWay, to)
    const about = protectionWords(protection as HopProtection)
    return i18n.locale === 'zh' ? `${hop}：${about}` : `${hop}: ${about}`
  },
  hops_encrypted: ({ hops }) => t`All ${hops} ways that data take are encrypted, or stay on one machine.`,
  recipient_unlisted: ({ names }) => t`The program could reach somebody who is not listed: ${names}.`,
  calls_refused: ({ last }, { calls }) =>
    t`The program tried to call somebody who is not listed, ${times(calls)}, and was kept from it; the last time was ${last}. Nothing was sent.`,
  no_recipients: () => t`Nothing is passed on to anybody else: this installation uses no service of others.`,
  recipients_listed: (_, { recipients }) =>
    t`Data go to the ${plural(recipients, { one: '# recipient', other: '# recipients' })} listed and to nobody else: the program can’t reach any other host.`,
  columns_unknown: ({ names }) => t`The database holds what the register doesn’t know: ${names}.`,
  columns_gone: ({ names }) => t`The register describes what there is not: ${names}.`,
  columns_described: ({ columns, tables }) =>
    t`All ${columns} columns of all ${tables} tables of the database are described: what they hold, for what and for how long.`,
  values_open: ({ columns }) => t`Values that should be encrypted are not: ${columns}.`,
  nothing_to_seal: ({ columns }) => t`Nothing is stored yet in the ${columns} columns that must be encrypted.`,
  values_sealed: ({ values, columns }) => t`Of ${values} values in the ${columns} columns that must be encrypted, each is.`,
  no_request_log: () => t`No log of a request to the API is stored.`,
  request_log_oldest: ({ day: of, limit }) =>
    t`The oldest stored log entries are of ${of}. Entries are shown to nobody once they are ${limit} old, and deleted with the day that they belong to.`,
  no_guest: () => t`Nothing of any guest is stored.`,
  guest_oldest: ({ age, limit }) =>
    t`The guest that has been inactive for longest was active ${age} ago; guests go after ${limit}.`,
  rules_overdue: ({ rules }) => t`Kept for longer than promised: ${rules}.`,
  rules_held: ({ rules }) => t`A guard keeps these from being deleted until the operator has looked: ${rules}.`,
  nothing_swept: () => t`Nothing has been swept yet.`,
  rules_kept: ({ rules, last }, { rows }) =>
    t`All ${rules} rules of how long data are kept are kept to. The last sweep was ${last} and deleted ${plural(rows, { one: '# row', other: '# rows' })}.`,
  deletions_running: ({ age }, { running }) =>
    t`${plural(running, { one: '# deletion is', other: '# deletions are' })} under way, the oldest for ${age}.`,
  deletion_late: () => t`Each should be over within a day.`,
  no_deletion: () => t`No deletion waits. Nobody asked for one in the last 90 days.`,
  deletions_done: ({ done, slowest }) => t`No deletion waits. In the last 90 days there were ${done}; the slowest took ${slowest}.`,
  deletions_unnoted: () =>
    t`The journal of deletions (DATA_DIR/deletions.journal) can't be written: a backup that is brought back now may bring somebody back.`,
  deletions_unasked: (_, { cases }) =>
    t`In ${plural(cases, { one: '# case', other: '# cases' })} a payment provider could not be asked to forget: the operator does that by hand.`,
  exports_now: ({ running }, { ready }) =>
    t`${plural(ready, { one: '# export lies ready', other: '# exports lie ready' })} to be fetched; ${running} under way now.`,
  export_file_late: ({ age }) => t`A file that should have been deleted is still there, for ${age}.`,
  export_file_waits: ({ age }) => t`A file waits to be deleted for ${age}.`,
  exports_failed: ({ failed }) => t`${failed} failed.`,
  books_unchecked: () => t`The books have not been checked yet.`,
  books_checked: ({ last }, { rows }) =>
    t`The books were last proved ${last}, over ${plural(rows, { one: '# row', other: '# rows' })}.`,
  books_broken: ({ invariants }) => t`They do not add up: ${invariants}.`,
  books_old: () => t`That is too long ago.`,
  books_right: () => t`Every amount adds up, and nothing drifted.`,
  audit_faults: (_, { faults }) =>
    t`The log of what was done is not whole: ${plural(faults, { one: '# fault was', other: '# faults were' })} found.`,
  audit_whole: (_, { entries }) =>
    t`${plural(entries, { one: 'The # entry of the log of what was done is as it was written', other: 'All # entries of the log of what was done are as they were written' })}, and in their order.`,
  content_opened: (_, { opened }) =>
    t`In the last 90 days content was opened ${times(opened)}, each time with a reason, written down, and visible to whom it concerns.`,
  staff_acts: (_, { acts }) =>
    t`Nobody but you can read your conversations. In the last 90 days administrators did ${plural(acts, { one: '# thing', other: '# things' })} with accounts and credits; each is written down.`,
  no_legal_requests: () => t`No authority has asked for anything.`,
  legal_requests: ({ since, open, answered, refused }, { asked }) =>
    t`Authorities asked ${times(asked)} since ${since}: ${open} open, ${answered} answered, ${refused} refused.`,
  no_notices: () => t`The policy has not changed significantly since its first version: nobody had to be told.`,
  notices_sent: ({ version, waiting, refused, failed }, { sent }) =>
    t`Of version ${version}: ${plural(sent, { one: '# mail', other: '# mails' })} sent, ${waiting} to be sent, ${refused} refused by mail servers, ${failed} failed.`,
  notices_late: () => t`Not everybody was told in time.`,
  news_against: (_, { mails }) =>
    t`${plural(mails, { one: '# mail was', other: '# mails were' })} sent to somebody who had not agreed.`,
  news_agreed: (_, { accounts, mails }) =>
    t`News are off unless turned on. ${plural(accounts, { one: '# account has', other: '# accounts have' })} turned them on; ${plural(mails, { one: '# mail was', other: '# mails were' })} sent, to nobody else.`,
  fields_without_rule: ({ fields }) => t`Parts of the interface don’t say who may ask for them: ${fields}.`,
  audit_waits: ({ check }) => t`Not every audit has been made yet: ${check} waits.`,
  audits_made: ({ audits, last }) =>
    t`All ${audits} audits are made again and again; the one that was made longest ago is from ${last}.`,
  enterprise: () =>
    t`This version of the program makes no evidence for SOC 2, has no profile for HIPAA and keeps no agreements: whoever runs this installation has to see to them.`,
  unchecked: () => t`This has not been checked yet.`,
  stale: ({ age }) => t`This was last checked ${age} ago. It was found then:`,
  by_tests: () => t`Tests that run before each release show that this is kept.`,
}

const minute = 60
const hour = 60 * minute
const day24 = 24 * hour

/** A span as people say it: not more exact than it matters. */
function span(seconds: number): string {
  const [unit, size] = (
    [
      ['day', day24, 2 * day24],
      ['hour', hour, 2 * hour],
      ['minute', minute, minute],
    ] as const
  ).find(([, , from]) => seconds >= from) ?? ['second', 1]
  const locale = i18n.locale === 'zh' ? 'zh-CN' : i18n.locale
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.floor(seconds / size))
}

function said({ sort, value, more }: Value): string {
  switch (sort) {
    case 'NUMBER':
      return numberText(Number(value))
    case 'SPAN':
      return span(Number(value))
    case 'TIME':
      return moment(value)
    case 'DAY':
      return day(value)
    default:
      return more > 0 ? t`${value} and ${more} more` : value
  }
}

/** What was found, in the page's language; null when one of it has no words here. */
export function findingWords(findings: readonly Finding[]): string | null {
  const all = findings.map(({ code, values }) => {
    const filled = Object.fromEntries(values.map((value) => [value.name, said(value)])) as Said
    const counted = Object.fromEntries(values.map(({ name, value }) => [name, Number(value)])) as unknown as Counts
    return sentences[code]?.(filled, counted)
  })
  if (all.length === 0 || all.includes(undefined)) return null
  return all.join(i18n.locale === 'zh' ? '' : ' ')
}
