import { createStore, type Store } from './store'
import { isRecord, readJson, storage } from './storage'
import { draftKeyPrefix } from './storage-keys'

const lifetime = 7 * 24 * 60 * 60 * 1000
const writeDelay = 300

interface Draft {
  text: string
  /** When it was last changed, in milliseconds since 1970. */
  at: number
}

/** Whether a stored value is a draft. */
export function isDraft(value: unknown): value is Draft {
  return isRecord(value) && typeof value.text === 'string' && typeof value.at === 'number'
}

const waiting = new Map<string, string>()
let timer: ReturnType<typeof setTimeout> | undefined

function writeNow(place: string, text: string): void {
  const key = draftKeyPrefix + place
  if (text === '') storage.remove(key)
  else storage.write(key, JSON.stringify({ text, at: Date.now() } satisfies Draft))
}

/** The text kept for a place (a conversation, a message being edited, `new`), or ''. */
export function readDraft(place: string): string {
  const pending = waiting.get(place)
  if (pending !== undefined) return pending
  const draft = readJson(draftKeyPrefix + place, isDraft)
  return draft && Date.now() - draft.at < lifetime ? draft.text : ''
}

/** Keeps the text of a place, soon; an empty text forgets it. */
export function writeDraft(place: string, text: string): void {
  waiting.set(place, text)
  timer ??= setTimeout(flushDrafts, writeDelay)
}

const open = new Map<string, Store<string>>()

/** The draft of a place as a store: what is set is kept. */
export function draftOf(place: string): Store<string> {
  const known = open.get(place)
  if (known) return known
  const draft = createStore(readDraft(place))
  draft.subscribe(() => writeDraft(place, draft.get()))
  open.set(place, draft)
  return draft
}

/** Two texts of one place as one, the earlier first; a text that is there twice is kept once. */
export function joinTexts(text: string, since: string): string {
  return since.trim() === '' || since === text ? text : `${text}\n\n${since}`
}

/** Gives a text back to where it was typed, at once: what was typed there since stays behind it. */
export function putBack(place: string, text: string): void {
  const draft = draftOf(place)
  draft.set(joinTexts(text, draft.get()))
  flushDrafts()
}

/** Writes at once what waits: on pagehide there may be no later. */
export function flushDrafts(): void {
  clearTimeout(timer)
  timer = undefined
  for (const [place, text] of waiting) writeNow(place, text)
  waiting.clear()
}

/** Reads all open drafts anew: what is stored belongs to somebody else now. */
export function rereadDrafts(): void {
  for (const [place, draft] of open) draft.set(readDraft(place))
}

/** Forgets every draft in this browser, also those on show. */
export function forgetDrafts(): void {
  flushDrafts()
  for (const key of storage.keys()) if (key.startsWith(draftKeyPrefix)) storage.remove(key)
  rereadDrafts()
  flushDrafts()
}

/** Forgets drafts older than 7 days and broken ones. */
export function sweepDrafts(): void {
  for (const key of storage.keys()) {
    if (!key.startsWith(draftKeyPrefix)) continue
    const draft = readJson(key, isDraft)
    if (!draft || Date.now() - draft.at >= lifetime) storage.remove(key)
  }
}

/** Sweeps, and flushes whenever the page may go away. The returned function ends it. */
export function keepDrafts(): () => void {
  sweepDrafts()
  const onHidden = () => {
    if (document.visibilityState === 'hidden') flushDrafts()
  }
  window.addEventListener('pagehide', flushDrafts)
  document.addEventListener('visibilitychange', onHidden)
  return () => {
    window.removeEventListener('pagehide', flushDrafts)
    document.removeEventListener('visibilitychange', onHidden)
  }
}
