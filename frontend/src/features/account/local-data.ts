import { flushDrafts, forgetDrafts, isDraft, joinTexts, putBack, rereadDrafts } from '@/lib/drafts'
import { isRecord, parseJson, readJson, storage, tabStorage } from '@/lib/storage'
import { draftKeyPrefix, isDeclaredKey, storageKeys } from '@/lib/storage-keys'

const mark = '@'

/**
 * Lets drafts follow a change of who is signed in: a guest's go with the guest into the
 * account, an account's are put aside until it is back, for as long as drafts live.
 */
export async function changeOwner(from: string | null, to: string | null): Promise<void> {
  flushDrafts()
  if (from !== null) {
    draftUnsent()
    flushDrafts()
    rename(draftKeyPrefix, `${draftKeyPrefix}${mark}${from}.`)
  }
  if (to === null) storage.remove(storageKeys.owner)
  else {
    rename(`${draftKeyPrefix}${mark}${to}.`, draftKeyPrefix)
    storage.write(storageKeys.owner, to)
  }
  rereadDrafts()
}

/** Forgets everything of an account that this browser keeps; the choices of appearance stay with the server. */
export function forgetLocalData(): void {
  storage.remove(storageKeys.outbox)
  forgetDrafts()
  storage.remove(storageKeys.owner)
  for (const key of tabStorage.keys()) if (isDeclaredKey(key)) tabStorage.remove(key)
}

function rename(prefix: string, next: string): void {
  for (const key of storage.keys()) {
    const rest = key.slice(prefix.length)
    // What others have put aside isn't this one's.
    if (!key.startsWith(prefix) || rest.startsWith(mark)) continue
    const value = storage.read(key)
    if (value !== null) move(key, next + rest, value)
  }
}

/** Moves a draft to where there may be another: then both are kept there. In a full storage it needs the room of its old place. */
function move(key: string, next: string, value: string): void {
  const moved = joined(value, storage.read(next))
  const written = storage.write(next, moved)
  storage.remove(key)
  if (!written && !storage.write(next, moved)) storage.write(key, value)
}

/** Two drafts of one place as one, the earlier first. */
function joined(value: string, other: string | null): string {
  const drafts = [value, other].map((one) => parseJson(one, isDraft)).filter((one) => one !== null)
  const [first, second] = drafts.toSorted((a, b) => a.at - b.at)
  if (!first || !second) return first ? JSON.stringify(first) : value
  return JSON.stringify({ text: joinTexts(first.text, second.text), at: second.at })
}

/** What an account hasn't got sent becomes a draft again: it may not be sent by somebody else. */
function draftUnsent(): void {
  const unsent = (readJson(storageKeys.outbox, Array.isArray) ?? []).filter(isRecord)
  // First, so that a full storage has room for the drafts.
  storage.remove(storageKeys.outbox)
  for (const one of unsent.toReversed()) {
    const place = [one.editOf, one.conversationId].find((id) => typeof id === 'string') ?? 'new'
    if (typeof one.text === 'string') putBack(place, one.text)
  }
}
