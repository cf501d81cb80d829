import type { MessageDescriptor } from '@lingui/core'
import { i18n } from '@lingui/core'
import { msg } from '@lingui/core/macro'

interface Words {
  purpose: MessageDescriptor
  kept: MessageDescriptor
}

/** What is kept in browsers, by name. */
const entries: Readonly<Record<string, Words>> = {
  sid: { purpose: msg`Keeps you signed in.`, kept: msg`30 days at most; 7 days after the last use` },
  guest: {
    purpose: msg`Leads a guest back to its conversations and counts its messages.`,
    kept: msg`30 days after the last use`,
  },
  oauth: { purpose: msg`Binds a sign-in that has begun to this browser.`, kept: msg`10 minutes` },
  pending: {
    purpose: msg`What your provider said of you, encrypted, while you answer what has to be answered before there is an account.`,
    kept: msg`10 minutes; until you have answered`,
  },
  gate: {
    purpose: msg`What you confirmed, accepted and chose before anything is stored about you.`,
    kept: msg`30 days; 1 day when you are too young`,
  },
  prefs: { purpose: msg`Theme, language and send key.`, kept: msg`180 days` },
  'k2.prefs': {
    purpose: msg`Theme, language and send key of this tab, as long as you have not agreed to the cookie.`,
    kept: msg`until the tab is closed`,
  },
  'k2.form': {
    purpose: msg`The fields of a form while you prove who you are.`,
    kept: msg`until you are back at the form`,
  },
  'k2.owner': {
    purpose: msg`Whose drafts and unsent messages these are, so that nobody else sees them at this computer.`,
    kept: msg`until you sign out`,
  },
  'k2.outbox': {
    purpose: msg`Messages that were sent and have not arrived yet.`,
    kept: msg`until they have arrived`,
  },
  'k2.draft.*': { purpose: msg`What you have typed and not sent.`, kept: msg`7 days` },
}

/** What an entry is for and how long it stays; of a new one in the server's own words. */
export function browserWords(entry: { name: string; purpose: string; kept: string }): { purpose: string; kept: string } {
  const known = entries[entry.name]
  return known ? { purpose: i18n._(known.purpose), kept: i18n._(known.kept) } : entry
}
