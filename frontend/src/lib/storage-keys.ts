/**
 * Everything this app stores in a browser by itself. The policy declares the same list,
 * and a browser journey compares both with what is there, so a new key starts here.
 */
export const storageKeys = {
  /** Appearance, language and keyboard choices, in sessionStorage while there is no consent to the cookie. */
  prefs: 'k2.prefs',
  /** Messages that the server hasn't acknowledged yet. */
  outbox: 'k2.outbox',
  /** The account whose drafts and unsent messages are here; none for a guest's. */
  owner: 'k2.owner',
  /** A form's fields while a person proves elsewhere who he is, in sessionStorage; gone when it is read. */
  form: 'k2.form',
} as const

/** The choices as a cookie, with consent. */
export const prefsCookie = 'prefs'

/** What was typed and not sent, one key per conversation; it lives for 7 days. */
export const draftKeyPrefix = 'k2.draft.'

/** Whether a key in localStorage is one of ours. */
export function isDeclaredKey(key: string): boolean {
  return key.startsWith(draftKeyPrefix) || (Object.values(storageKeys) as string[]).includes(key)
}
