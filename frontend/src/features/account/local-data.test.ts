import { beforeEach, expect, it, vi } from 'vitest'
import { storageKeys } from '@/lib/storage-keys'

const draft = (text: string) => JSON.stringify({ text, at: Date.now() })

async function freshPage() {
  vi.resetModules()
  return { ...(await import('./local-data')), ...(await import('@/lib/drafts')) }
}

beforeEach(() => {
  localStorage.clear()
  sessionStorage.clear()
})

it('P43: a guest’s drafts come with the guest into the account', async () => {
  localStorage.setItem('k2.draft.con_1', draft('half a thought'))
  const { changeOwner, draftOf } = await freshPage()
  await changeOwner(null, 'own_a')
  expect(draftOf('con_1').get()).toBe('half a thought')
  expect(localStorage.getItem(storageKeys.owner)).toBe('own_a')
})

it('P36: nobody else sees an account’s drafts and unsent messages, and they are back with it', async () => {
  localStorage.setItem('k2.draft.new', draft('mine'))
  localStorage.setItem(
    storageKeys.outbox,
    JSON.stringify([{ clientId: 'c', text: 'unsent', conversationId: 'con_2', createdAt: 1 }]),
  )
  const { changeOwner, draftOf } = await freshPage()
  expect(draftOf('new').get()).toBe('mine')
  await changeOwner('own_a', 'own_b')
  expect([draftOf('new').get(), draftOf('con_2').get()]).toEqual(['', ''])
  expect(localStorage.getItem(storageKeys.outbox)).toBeNull()
  draftOf('new').set('of b')
  await changeOwner('own_b', null)
  expect(draftOf('new').get()).toBe('')
  expect(localStorage.getItem(storageKeys.owner)).toBeNull()
  await changeOwner(null, 'own_a')
  expect([draftOf('new').get(), draftOf('con_2').get()]).toEqual(['mine', 'unsent'])
})

it('an unsent message and what was typed since are both there again', async () => {
  localStorage.setItem('k2.draft.new', draft('typed since'))
  localStorage.setItem(
    storageKeys.outbox,
    JSON.stringify(['first', 'second'].map((text, at) => ({ clientId: text, text, conversationId: null, createdAt: at }))),
  )
  const { changeOwner, draftOf } = await freshPage()
  await changeOwner('own_a', null)
  await changeOwner(null, 'own_a')
  expect(draftOf('new').get()).toBe('first\n\nsecond\n\ntyped since')
})

it('what a guest typed and what the account had put aside are both kept, the earlier first', async () => {
  localStorage.setItem('k2.draft.@own_a.new', JSON.stringify({ text: 'of the account', at: Date.now() - 60_000 }))
  localStorage.setItem('k2.draft.new', draft('of the guest'))
  const { changeOwner, draftOf } = await freshPage()
  await changeOwner(null, 'own_a')
  expect(draftOf('new').get()).toBe('of the account\n\nof the guest')
  expect(Object.keys(localStorage)).not.toContain('k2.draft.@own_a.new')
})

/** Makes the storage refuse what needs more than it holds now and `spare` characters. */
async function fill(spare: number) {
  const { storage } = await import('@/lib/storage')
  const size = () => Object.entries(localStorage).reduce((sum, [key, value]) => sum + key.length + String(value).length, 0)
  const room = size() + spare
  vi.spyOn(storage, 'write').mockImplementation((key, value) => {
    const before = storage.read(key)
    const fits = size() + value.length - (before === null ? -key.length : before.length) <= room
    if (fits) localStorage.setItem(key, value)
    return fits
  })
}

it.each([
  ['a full storage loses no draft', 30],
  ['a storage without any room loses none either', 0],
])('%s', async (_name, spare) => {
  const long = 'x'.repeat(500)
  localStorage.setItem('k2.draft.con_1', draft(long))
  const { changeOwner, draftOf } = await freshPage()
  await fill(spare)
  await changeOwner('own_a', null)
  if (spare > 0) expect(draftOf('con_1').get()).toBe('')
  await changeOwner(null, 'own_a')
  expect(draftOf('con_1').get()).toBe(long)
})

it('P36: signing out leaves nothing of the account, also of what is still being typed', async () => {
  localStorage.setItem('k2.draft.con_1', draft('a'))
  localStorage.setItem('k2.draft.@own_b.new', draft('b'))
  localStorage.setItem(storageKeys.outbox, '[]')
  localStorage.setItem(storageKeys.owner, 'own_a')
  sessionStorage.setItem(storageKeys.prefs, '{}')
  const { draftOf, flushDrafts, forgetLocalData } = await freshPage()
  draftOf('new').set('being typed')
  forgetLocalData()
  flushDrafts()
  expect(Object.keys(localStorage)).toEqual([])
  expect(Object.keys(sessionStorage)).toEqual([])
  expect(draftOf('new').get()).toBe('')
})
