import { expect, it } from 'vitest'
import { filled, keyPlaceholder, quickStarts } from './starts'

it('every program carries the address of this installation, and no placeholder is left', () => {
  const starts = quickStarts('https://k2.example:8443')
  expect(starts.length).toBeGreaterThan(0)
  const texts = starts.flatMap(({ install, run, code, more }) => [install, run, code, ...more.map((file) => file.code)])
  for (const text of texts) expect(text).not.toMatch(/\{\{/)
  expect(texts.join('\n')).toContain('https://k2.example:8443')
  expect(new Set(starts.map(({ id }) => id)).size).toBe(starts.length)
})

it('P90: a key is never filled in, only its placeholder', () => {
  expect(filled('curl {{KIMI_URL}} -H "Authorization: Bearer {{KIMI_API_KEY}}"', 'http://a')).toBe(
    `curl http://a -H "Authorization: Bearer ${keyPlaceholder}"`,
  )
})
