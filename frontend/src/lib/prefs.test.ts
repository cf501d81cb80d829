import { expect, it } from 'vitest'
import { parsePrefs } from './prefs'

const defaults = { theme: 'system', language: null, sendKey: 'enter', sidebar: 'open' }

it('takes prefs of any age and shape', () => {
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
