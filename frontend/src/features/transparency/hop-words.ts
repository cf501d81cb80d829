import type { MessageDescriptor } from '@lingui/core'
import { i18n } from '@lingui/core'
import { msg, t } from '@lingui/core/macro'
import type { HopProtection, HopWay, SentData } from '@/gql/graphql'

/** Between whom a way is. */
export function hopWords(way: HopWay, to: string): string {
  if (way === 'BROWSER') return t`Your browser to this server`
  if (way === 'DATABASE') return t`This server to its database`
  if (way === 'PROXY') return t`Outgoing proxy`
  const recipient = recipientName(to)
  return t`This server to ${recipient}`
}

const protections: Record<HopProtection, MessageDescriptor> = {
  LOCAL: msg`It does not leave this machine.`,
  FRONTED: msg`Encrypted (https), up to the operator’s own proxy in front of this server.`,
  VERIFIED: msg`Encrypted (TLS), and the other end is verified.`,
  UNVERIFIED: msg`Encrypted (TLS), but the other end is not verified: the operator sets sslmode=verify-full.`,
  MAYBE_PLAIN: msg`It may be not encrypted: the operator sets sslmode=verify-full.`,
  PLAIN: msg`Not encrypted.`,
  PLAIN_PUBLIC: msg`Not encrypted: the operator allows http.`,
  PASSING: msg`Calls go through it; what is encrypted stays so for it.`,
  UNREADABLE: msg`Its address can’t be read.`,
}

/** How a way is protected, or why it isn't. */
export function protectionWords(protection: HopProtection): string {
  return i18n._(protections[protection])
}

const sent: Record<SentData, MessageDescriptor> = {
  BRANCH: msg`the messages of the branch that is answered`,
  API_REQUEST: msg`what a program asks over the API`,
  MODEL: msg`which model is to answer`,
  PAYER_ADDRESS: msg`your e-mail address, to fill in its form`,
  PURCHASE: msg`what you buy and for how much`,
  PURCHASE_MARK: msg`a random number of the purchase`,
  SIGN_IN: msg`that somebody signs in here, and when; it is asked for your name and e-mail address`,
  MAIL_ADDRESS: msg`your e-mail address`,
  MAIL: msg`the mails to you, with your name; nothing of your conversations`,
  PIECES: msg`pieces of answers while they are written`,
}

/** What a recipient gets. */
export function sentWords(data: SentData): string {
  return i18n._(sent[data])
}

/** What the program calls parts that have no name of their own. */
const ownNames: Readonly<Record<string, MessageDescriptor>> = {
  'Built-in demo engine': msg`Built-in demo engine`,
  'Mail server': msg`Mail server`,
  'Message broker of this installation': msg`Message broker of this installation`,
}

/** What a recipient is called. */
export function recipientName(name: string): string {
  const own = ownNames[name]
  return own ? i18n._(own) : name
}
