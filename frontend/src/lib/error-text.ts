import type { MessageDescriptor } from '@lingui/core'
import { i18n } from '@lingui/core'
import { msg, plural, t } from '@lingui/core/macro'
import type { ErrorCode } from '@/gql/graphql'

type Code = ErrorCode | 'UNREACHABLE'

const texts: Partial<Record<Code, MessageDescriptor>> = {
  UNREACHABLE: msg`The server can’t be reached. Check your connection and try again.`,
  UNAUTHENTICATED: msg`This browser’s session has ended. Reload the page and try again.`,
  FORBIDDEN: msg`That isn’t allowed from here.`,
  NOT_FOUND: msg`That no longer exists.`,
  RATE_LIMITED: msg`That was a lot at once. Wait a moment and try again.`,
  GUEST_LIMIT_REACHED: msg`All guest messages of this installation are used up.`,
  INSUFFICIENT_CREDITS: msg`Not enough credits for this. Nothing was sent.`,
  AGE_CONFIRMATION_REQUIRED: msg`Your message waits: say first in which month you were born.`,
  AGE_REFUSED: msg`You can’t send messages here yet. What you typed stays in this browser.`,
  POLICY_ACCEPTANCE_REQUIRED: msg`Your message waits: accept the privacy policy first.`,
  REAUTHENTICATION_REQUIRED: msg`Confirm first that it is you: sign in once more.`,
  MODEL_UNAVAILABLE: msg`This model isn’t available now. Choose another.`,
  UPSTREAM_FAILED: msg`The inference engine failed or can’t be reached. Try again.`,
  UPSTREAM_RATE_LIMITED: msg`The inference engine is busy. Try again in a moment.`,
  UPSTREAM_UNAUTHORIZED: msg`The inference engine refuses this installation’s key. Its operator has to look.`,
  UPSTREAM_STALLED: msg`The inference engine stopped sending. What came so far is kept.`,
  CONTEXT_TOO_LONG: msg`This conversation is longer than the model can read. Start a new chat or shorten the message.`,
  INTERRUPTED: msg`The server stopped while writing. What came so far is kept.`,
  STORAGE_FULL: msg`The server’s disk is full. Nothing was changed.`,
  STORAGE_UNAVAILABLE: msg`The server can’t reach its database. Nothing was changed; try again.`,
  SHUTTING_DOWN: msg`The server is restarting. Try again in a moment.`,
  QUERY_TOO_COSTLY: msg`The server refused this request as too large.`,
}

interface Worded {
  code: Code
  message?: string
  retryAfterMs?: number | null
}

/** The server's words for programs, as people write. */
function asSentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?…]$/.test(words) ? '' : '.'}`
}

/**
 * What to tell a person, by code and in his language. Codes without a text of ours
 * (wrong input, what contradicts something else, faults of the server, codes to come) use the server's own words.
 */
export function errorText({ code, message, retryAfterMs }: Worded): string {
  const descriptor = texts[code]
  const text = descriptor ? i18n._(descriptor) : message ? asSentence(message) : t`Something failed. Try again.`
  if (!retryAfterMs) return text
  const seconds = Math.ceil(retryAfterMs / 1000)
  return `${text} ${t`Wait ${plural(seconds, { one: '# second', other: '# seconds' })}.`}`
}
