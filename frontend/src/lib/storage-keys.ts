/**
 * Everything this app stores in a browser. A browser journey compares what is there
 * with this list, so a new key starts here.
 */
export const storageKeys = {
  /** Appearance, language and keyboard choices. */
  prefs: 'k2.prefs',
  /** Messages that the server hasn't acknowledged yet. */
  outbox: 'k2.outbox',
} as const

/** What was typed and not sent, one key per conversation; it lives for 7 days. */
export const draftKeyPrefix = 'k2.draft.'

/** Whether a key in localStorage is one of ours. */
export function isDeclaredKey(key: string): boolean {
  return key.startsWith(draftKeyPrefix) || (Object.values(storageKeys) as string[]).includes(key)
}
