import { readFileSync } from 'node:fs'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { activate, loadFurtherWords } from '@/lib/i18n'
import { importWords } from './import-words'

interface Example {
  reason: string
  values: Record<string, string>
  message: string
}

// Written by the server's tests: an example of each refusal with what it says in English.
const examples = JSON.parse(readFileSync('src/features/exports/refusals.fixture.json', 'utf8')) as Example[]

beforeAll(() => loadFurtherWords())
afterEach(() => activate('en'))

describe('why a file is refused', () => {
  it.each(examples.map((example) => [example.reason, example] as const))(
    '%s is said in English and Chinese',
    async (_, example) => {
      await activate('en')
      const plain = (text: string | null) => text?.replace(/[’]/g, "'").replace(/[“”]/g, '"').replace(/\.$/, '').toLowerCase()
      expect(plain(importWords(example))).toBe(example.message.toLowerCase())
      await activate('zh')
      const chinese = importWords(example) ?? ''
      expect(chinese).toMatch(/\p{Script=Han}/u)
      expect(chinese).not.toMatch(/undefined|NaN|[{}]/)
      for (const value of Object.values(example.values)) expect(chinese).toContain(value)
    },
  )

  it('is left to the server’s words where there are none here', () => {
    expect(importWords({})).toBe(null)
    expect(importWords({ reason: 'unheard_of', values: {} })).toBe(null)
  })
})
