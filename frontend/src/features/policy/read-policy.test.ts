import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readPolicy } from './read-policy'

it('splits the text at its headings and takes the marks of clauses out', () => {
  const text = '# Privacy\n\nIntro {#C-A}\n\n## One {#C-ONE}\n\n- first {#C-F}\n- second\n\n### Part\n\nWords. {#C-P}\n'
  const policy = readPolicy(text)
  expect(policy.title).toBe('Privacy')
  expect(policy.intro.trim()).toBe('Intro')
  expect(policy.sections.map(({ id, depth, title, clauses }) => ({ id, depth, title, clauses }))).toEqual([
    { id: 'C-ONE', depth: 2, title: 'One', clauses: ['C-F'] },
    { id: 'part-2', depth: 3, title: 'Part', clauses: ['C-P'] },
  ])
  expect(policy.sections[0]?.text.trim()).toBe('- first\n- second')
})

it('P1: every clause of the published text can be linked to, once, and no mark is left over', () => {
  const text = readFileSync('../policy/policy.md', 'utf8')
  const { sections, intro } = readPolicy(text)
  const marks = [...text.matchAll(/\{#(C-[\w-]+)\}/g)].map(([, id = '']) => id)
  const places = sections.flatMap(({ id, clauses }) => [id, ...clauses]).filter((id) => !id.startsWith('part-'))
  expect(places.toSorted()).toEqual(marks.toSorted())
  expect(new Set(places).size).toBe(places.length)
  expect(`${intro}${sections.map((section) => section.title + section.text).join('')}`).not.toContain('{#')
})
