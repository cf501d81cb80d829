import { expect, it } from 'vitest'
import { filled, keyPlaceholder, quickStarts, stepsOf } from './starts'

it('every program carries the address of this installation, and no placeholder is left', () => {
  const starts = quickStarts('https://k2.example:8443')
  expect(starts.length).toBeGreaterThan(0)
  const texts = starts.flatMap(({ set, install, generate, run, code, more }) => [
    set,
    install,
    generate,
    run,
    code,
    ...more.map((file) => file.code),
  ])
  for (const text of texts) expect(text).not.toMatch(/\{\{/)
  expect(texts.join('\n')).toContain('https://k2.example:8443')
  expect(new Set(starts.map(({ id }) => id)).size).toBe(starts.length)
})

it('P90: a key is never filled in, only its placeholder', () => {
  expect(filled('curl {{KIMI_URL}} -H "Authorization: Bearer {{KIMI_API_KEY}}"', 'http://a')).toBe(
    `curl http://a -H "Authorization: Bearer ${keyPlaceholder}"`,
  )
})

it('what is shown first is set before it is used, and nothing is made from files that are saved later', () => {
  for (const start of quickStarts('https://k2.example:8443')) {
    const steps = stepsOf(start)
    const order = ['set', 'install', 'save', 'generate', 'run']
    const kinds = steps.map(({ kind }) => order.indexOf(kind))
    expect(kinds, start.id).toEqual(kinds.toSorted((a, b) => a - b))
    expect([steps[0]?.kind, steps.at(-1)?.kind]).toEqual(['set', 'run'])
    const shell = steps.filter(({ kind }) => kind !== 'save').map(({ code }) => code)
    for (const [name] of shell.join('\n').matchAll(/(?<=\$)[A-Z_]+/g)) expect(shell[0], start.id).toContain(`export ${name}=`)
  }
  const typed = quickStarts('').find(({ id }) => id === 'go-genqlient')
  expect(typed && stepsOf(typed).map((step) => (step.kind === 'save' ? step.file : step.kind))).toEqual([
    'set',
    'install',
    'genqlient.yaml',
    'operations.graphql',
    'main.go',
    'generate',
    'run',
  ])
})
