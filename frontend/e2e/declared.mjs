// What the policy declares that a browser may keep.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const { entries } = JSON.parse(readFileSync(join(import.meta.dirname, '../../policy/storage.json'), 'utf8'))

/** The declared names of a kind: cookie, localStorage or sessionStorage. */
export function declared(kind, only = () => true) {
  return entries.filter((entry) => entry.kind === kind && only(entry)).map(({ name }) => name)
}

/** The declared name that a found one falls under; null when nobody declared it. */
export function declaredAs(kind, found) {
  const plain = kind === 'cookie' ? found.replace(/^__Host-/, '') : found
  return declared(kind).find((name) => name === plain || (name.endsWith('*') && plain.startsWith(name.slice(0, -1)))) ?? null
}

/** Everything that the browser keeps for a page, by kind. */
export async function kept(page) {
  const inside = await page.evaluate(async () => ({
    localStorage: Object.keys(localStorage),
    sessionStorage: Object.keys(sessionStorage),
    databases: (await indexedDB.databases()).map(({ name }) => name),
    caches: await caches.keys(),
  }))
  const cookies = await page.context().cookies(page.url())
  return { ...inside, cookie: cookies.map(({ name }) => name), cookies }
}
