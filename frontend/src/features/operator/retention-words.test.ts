import { describe, expect, it } from 'vitest'
import { keptWords, span, tableWords } from './retention-words'

describe('retention in words', () => {
  it('names spans by their largest whole unit', () => {
    expect([90 * 86_400, 86_400, 36 * 3600, 1800, 90].map(span)).toEqual([
      '90 days',
      '1 day',
      '36 hours',
      '30 minutes',
      '90 seconds',
    ])
  })
  it('says how long something is kept', () => {
    expect(keptWords(0, null)).toBe('until their own end')
    expect(keptWords(30 * 86_400, 7 * 86_400)).toBe('for 30 days, 7 days without use')
  })
  it('names what it has no words for by its table', () => {
    expect([tableWords('mails'), tableWords('unknown_table')]).toEqual(['Mails that were sent or given up', 'unknown_table'])
  })
})
