import { isRecord, parseJson, tabStorage } from './storage'
import { storageKeys } from './storage-keys'

/** How long fields are kept, in milliseconds: as long as a way to a provider and back may take. */
const keptFor = 10 * 60_000

/** Keeps a form's fields while its person is away at a provider. */
export function keepForm(name: string, fields: Readonly<Record<string, string>>, now = Date.now()): void {
  tabStorage.write(storageKeys.form, JSON.stringify({ name, fields, at: now }))
}

/** What is kept of a form; null when there is nothing of it or it is too old. */
export function readForm(name: string, now = Date.now()): Record<string, string> | null {
  const kept = parseJson(tabStorage.read(storageKeys.form), isRecord)
  if (kept?.name !== name) return null
  const { fields, at } = kept
  if (!isRecord(fields) || typeof at !== 'number' || now - at > keptFor) return null
  const texts = Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(texts)
}

/** Keeps nothing any more. */
export function forgetForm(): void {
  tabStorage.remove(storageKeys.form)
}
