import { beforeEach, expect, it } from 'vitest'
import { freshDraft } from './request'
import { edit, keepDraft, session, takeDraft } from './session'

beforeEach(() => sessionStorage.clear())

it('the draft is there again after the way to a provider, once, and no key', () => {
  const draft = { ...freshDraft, model: 'm', system: 'be short', message: 'hi', maxTokens: '7', stream: false }
  session.set({ draft, apiKey: 'k2_live_secret', keyUntil: null })
  keepDraft()
  expect(JSON.stringify({ ...sessionStorage })).not.toContain('k2_live')
  session.set({ draft: freshDraft, apiKey: '', keyUntil: null })
  takeDraft()
  expect(session.get().draft).toEqual(draft)
  edit({ message: 'something else' })
  takeDraft()
  expect(session.get().draft.message).toBe('something else')
})
