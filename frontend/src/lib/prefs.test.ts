import { beforeEach, expect, it, vi } from 'vitest'
import { storageKeys } from './storage-keys'

const defaults = { theme: 'system', language: null, sendKey: 'enter', sidebar: 'open' }

/** The module as a fresh page has it. */
async function freshPage() {
  vi.resetModules()
  return import('./prefs')
}

beforeEach(() => {
  localStorage.clear()
  sessionStorage.clear()
  // oxlint-disable-next-line unicorn/no-document-cookie
  document.cookie = 'prefs=; Path=/; Max-Age=-1'
})

it('takes prefs of any age and shape', async () => {
  const { parsePrefs } = await freshPage()
  expect(parsePrefs(null)).toEqual(defaults)
  expect(parsePrefs('dark')).toEqual(defaults)
  expect(parsePrefs({ theme: 'sepia', language: 'xx', sendKey: 3, sidebar: {} })).toEqual(defaults)
  expect(parsePrefs({ theme: 'dark', language: 'zh', sendKey: 'mod-enter', sidebar: 'closed', later: 1 })).toEqual({
    theme: 'dark',
    language: 'zh',
    sendKey: 'mod-enter',
    sidebar: 'closed',
  })
})

it('P33: without consent choices stay with the tab and no cookie is set', async () => {
  const { setPrefs } = await freshPage()
  setPrefs({ theme: 'dark' })
  expect(document.cookie).toBe('')
  expect(Object.keys(localStorage)).toEqual([])
  expect((await freshPage()).prefs.get().theme).toBe('dark')
})

it('P33: consent moves them into the cookie, and taking it back removes that', async () => {
  const { keepPrefsIn, setPrefs } = await freshPage()
  setPrefs({ theme: 'dark' })
  keepPrefsIn('cookie')
  expect(document.cookie).toContain('prefs=')
  expect(sessionStorage.getItem(storageKeys.prefs)).toBeNull()
  sessionStorage.clear()
  const next = await freshPage()
  expect(next.prefs.get().theme).toBe('dark')
  next.keepPrefsIn('tab')
  expect(document.cookie).toBe('')
  expect(next.prefs.get().theme).toBe('dark')
})

it('forgets what earlier versions kept without asking, and survives a broken cookie', async () => {
  localStorage.setItem(storageKeys.prefs, '{"theme":"dark"}')
  // oxlint-disable-next-line unicorn/no-document-cookie
  document.cookie = 'prefs=%7Bbroken; Path=/'
  const { prefs } = await freshPage()
  expect(prefs.get()).toEqual(defaults)
  expect(Object.keys(localStorage)).toEqual([])
})
