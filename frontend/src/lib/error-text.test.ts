import { expect, it } from 'vitest'
import { errorText } from './error-text'

it('a contradiction is told in the server’s words: they alone know what contradicts what', () => {
  expect(errorText({ code: 'CONFLICT', message: 'another account has this e-mail address' })).toBe(
    'Another account has this e-mail address.',
  )
})

it('says how long to wait', () => {
  expect(errorText({ code: 'RATE_LIMITED', retryAfterMs: 1500 })).toBe(
    'That was a lot at once. Wait a moment and try again. Wait 2 seconds.',
  )
})
