import { waitFor } from '@testing-library/react'
import { expect, it } from 'vitest'
import { prefs, setPrefs } from '@/lib/prefs'
import { testClient } from '@/test-client'
import { adoptPreferences, chosenBy, differenceTo } from './keep-preferences'

const plain = { theme: 'system', language: null, sendKey: 'enter', sidebar: 'open' } as const

it('reads what an account has chosen and leaves out what it never chose', () => {
  expect(chosenBy({ theme: null, language: null, sendKey: null })).toEqual({})
  expect(chosenBy({ theme: 'DARK', language: 'zh-Hans', sendKey: 'MOD_ENTER' })).toEqual({
    theme: 'dark',
    language: 'zh',
    sendKey: 'mod-enter',
  })
  expect(chosenBy({ theme: null, language: 'fr', sendKey: null })).toEqual({})
})

it('tells the account only what belongs to it', () => {
  expect(differenceTo(plain, { ...plain, sidebar: 'closed' })).toBeNull()
  expect(differenceTo(plain, { ...plain, theme: 'light', sendKey: 'mod-enter' })).toEqual({ theme: 'LIGHT', sendKey: 'MOD_ENTER' })
})

it('the account’s choice wins after a sign-in, and later choices are told to it', async () => {
  const kept = { __typename: 'Account', id: 'own_1', theme: 'LIGHT', language: null, sendKey: null }
  const { client, asked } = testClient({
    PreferencesKeep: () => ({
      __typename: 'Mutation',
      accountUpdate: { __typename: 'AccountUpdatePayload', account: kept, userErrors: [] },
    }),
  })
  setPrefs({ theme: 'system', sendKey: 'mod-enter' })
  adoptPreferences(client, { theme: 'DARK', language: null, sendKey: null })
  expect(prefs.get()).toMatchObject({ theme: 'dark', sendKey: 'mod-enter' })
  expect(asked).toEqual([])
  setPrefs({ theme: 'light' })
  await waitFor(() => expect(asked).toEqual([{ name: 'PreferencesKeep', variables: { input: { theme: 'LIGHT' } } }]))
})
