import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { draftKeyPrefix, prefsCookie, storageKeys } from './storage-keys'

interface Declaration {
  entries: { name: string; kind: 'cookie' | 'localStorage' | 'sessionStorage' }[]
}

/** What the privacy policy says is kept in browsers. */
const declared = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../policy/storage.json'), 'utf8')) as Declaration

it('P31: what this app keeps in browsers is exactly what the policy declares', () => {
  const kept = declared.entries.filter(({ kind }) => kind !== 'cookie').map(({ name }) => name)
  const ours = [...Object.values(storageKeys), `${draftKeyPrefix}*`]
  expect(kept.toSorted()).toEqual(ours.toSorted())
})

it('P31: the cookie that this app writes is declared', () => {
  const cookies = declared.entries.filter(({ kind }) => kind === 'cookie').map(({ name }) => name)
  expect(cookies).toContain(prefsCookie)
})
