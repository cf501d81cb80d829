import { draftOf, flushDrafts, forgetDrafts, rereadDrafts } from '@/lib/drafts'
import { readJson, isRecord, storage, tabStorage } from '@/lib/storage'
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
    storage.remove(key)
    if (value !== null && storage.read(next + rest) === null) storage.write(next + rest, value)
  }
}

/** What an account hasn't got sent becomes a draft: it may not be sent by somebody else. */
function draftUnsent(): void {
  for (const one of (readJson(storageKeys.outbox, Array.isArray) ?? []).filter(isRecord)) {
    const place = [one.editOf, one.conversationId].find((id) => typeof id === 'string') ?? 'new'
    const draft = draftOf(place)
    if (typeof one.text === 'string' && draft.get() === '') draft.set(one.text)
  }
  storage.remove(storageKeys.outbox)
}
