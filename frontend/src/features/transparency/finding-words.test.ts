import { readFileSync } from 'node:fs'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { activate, loadFurtherWords } from '@/lib/i18n'
import { type Finding, findingWords } from './finding-words'

interface Example {
  evidence: string
  finding: { code: string; values: { name: string; sort: Finding['values'][number]['sort']; value: string; more?: number }[] }
}

// Written by the server's tests: an example of each finding with what it says in English.
const examples = JSON.parse(readFileSync('src/features/transparency/findings.fixture.json', 'utf8')) as Example[]

function found({ code, values }: Example['finding']): Finding {
  return { code, values: values.map((value) => ({ more: 0, ...value })) }
}

beforeAll(() => loadFurtherWords())
afterEach(() => activate('en'))

describe('what a check found', () => {
  it.each(examples.map((example) => [example.finding.code, example] as const))(
    '%s is said in English and Chinese',
    async (_, example) => {
      const finding = found(example.finding)
      await activate('en')
      const english = findingWords([finding])
      const isDated = example.finding.values.some(({ sort }) => sort === 'TIME' || sort === 'DAY')
      if (isDated) expect(english).toContain('2026')
      else expect(english?.replaceAll('’', "'")).toBe(example.evidence)
      await activate('zh')
      const chinese = findingWords([finding]) ?? ''
      expect(chinese).toMatch(/\p{Script=Han}/u)
      for (const text of [english, chinese]) expect(text).not.toMatch(/undefined|NaN|[{}]/)
      for (const { sort, value } of example.finding.values) {
        if (sort === 'NUMBER') expect(chinese).toContain(value)
      }
    },
  )

  it('is left to the report’s English where one of it has no words', () => {
    const known: Finding = { code: 'no_guest', values: [] }
    expect(findingWords([])).toBe(null)
    expect(findingWords([known, { ...known, code: 'unheard_of' }])).toBe(null)
  })

  it('is one sentence after the other', () => {
    const sentence = (code: string): Finding => ({ code, values: [] })
    expect(findingWords([sentence('no_guest'), sentence('books_right')])).toBe(
      'Nothing of any guest is stored. Every amount adds up, and nothing drifted.',
    )
  })
})
