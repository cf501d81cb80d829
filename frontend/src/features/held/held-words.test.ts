import { expect, it } from 'vitest'
import { columnWords, groupWords, keptWords, span, tableWords } from './held-words'

const kept = (retention: object, erasure: 'DELETED' | 'UNLINKED' = 'DELETED', isGuest = false) =>
  keptWords({ retention: { rule: 'OWNER', seconds: null, guestSeconds: null, ...retention }, erasure }, isGuest)

it('P109: says for how long something is kept', () => {
  expect(kept({})).toBe('Kept as long as your account; deleted with it')
  expect(kept({}, 'DELETED', true)).toMatch(/^Kept until 30 days after you were last active/)
  expect(kept({ rule: 'LIMITED', seconds: 2_592_000 })).toMatch(/^Kept for 30 days at most/)
  expect(kept({ rule: 'LIMITED', seconds: 0 })).toMatch(/^Kept until it runs out/)
  expect(kept({ rule: 'LIMITED', seconds: 7_776_000 }, 'UNLINKED')).toBe(
    'Kept for 90 days at most; after a deletion nothing leads from it to you',
  )
  expect(kept({ rule: 'FOREVER' }, 'UNLINKED')).toMatch(/^Kept for good; after a deletion/)
})

it('names what it knows in its own words, and all else in the server’s', () => {
  expect(tableWords({ name: 'accounts', about: 'x' })).toBe('Name, e-mail address and preferences')
  expect(tableWords({ name: 'novelties', about: 'What is new.' })).toBe('What is new')
  expect(groupWords({ name: 'novelties', purpose: 'news' })).toEqual({ title: 'novelties', purpose: 'news' })
  expect(columnWords('last_seen_at')).toBe('last seen at')
  expect(columnWords('text_sealed')).toBe('text')
  expect([span(3600), span(86_400), span(5400)]).toEqual(['1 hour', '1 day', '90 minutes'])
})
