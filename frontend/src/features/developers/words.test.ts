import { expect, it } from 'vitest'
import { durationWords, endWords, outcomeOf, outcomeWords, shareWords } from './words'

it('a request ends well, refused, over a limit or failed', () => {
  expect([200, 204, 400, 404, 429, 499, 500, 503].map(outcomeOf)).toEqual([
    'SUCCEEDED',
    'SUCCEEDED',
    'REFUSED',
    'REFUSED',
    'LIMITED',
    'REFUSED',
    'FAILED',
    'FAILED',
  ])
})

it('who stopped a request is not told that it was refused', () => {
  expect([200, 404, 429, 499, 502].map(endWords)).toEqual([
    'Succeeded',
    'Refused',
    'Over a limit',
    'Stopped by its client',
    'Failed',
  ])
  // The log narrowed down to this outcome shows both.
  expect(outcomeWords(outcomeOf(499))).toBe('Refused or stopped')
})

it('a time is told to three digits that count, and none by a dash', () => {
  expect([null, 0, 840, 1234, 12_345, 123_456].map(durationWords)).toEqual(['–', '0 ms', '840 ms', '1.23 s', '12.3 s', '123 s'])
})

it('a small share is never told as nothing', () => {
  expect([0, 0.0004, 0.012, 0.5].map(shareWords)).toEqual(['0%', '0.04%', '1.2%', '50%'])
})
