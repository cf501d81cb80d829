import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type Block, diffPolicies, type Run } from './diff-policies'

const shown = (blocks: Block[]) =>
  blocks.map(({ heading, runs }) => {
    const marked = ({ change, text }: Run) =>
      change === 'same' ? text : text.replace(/^(.*?)(\s*)$/, change === 'in' ? '[+$1]$2' : '[-$1]$2')
    const text = runs.map(marked).join('')
    return heading ? `# ${text}` : text
  })

it('P124: shows the words that change below their heading, and nothing of what stays', () => {
  const before =
    '# Policy\n\nVersion 1.\n\n## Keeping {#C-K}\n\n- Logs for 90 days. {#C-L}\n- Guests for 30 days.\n\n## Contact\n\nus\n'
  const after =
    '# Policy\n\nVersion 1.\n\n## Keeping {#C-K}\n\n- Logs for 60 days, never longer. {#C-L}\n- Guests for 30 days.\n\n## Contact\n\nus\n'
  expect(shown(diffPolicies(before, after))).toEqual(['# Keeping', 'Logs for [-90 days.][+60 days, never longer.]'])
})

it('shows what comes and what goes as whole lines, and new headings', () => {
  const before = '## One\n\nThis sentence has been here for a long time.\n\n## Two\n\ntext\n'
  const after =
    '## One\n\nEntirely other words stand in its place now, nothing alike.\n\n## Two\n\ntext\n\n## Three {#C-T}\n\nmore\n'
  expect(shown(diffPolicies(before, after))).toEqual([
    '# One',
    '[+Entirely other words stand in its place now, nothing alike.]',
    '[-This sentence has been here for a long time.]',
    '# Two',
    '# [+Three]',
    '[+more]',
  ])
})

it('finds nothing between a text and itself, and the published one against itself with a change in good time', () => {
  const text = readFileSync('../policy/policy.md', 'utf8')
  expect(diffPolicies(text, text)).toEqual([])
  const changed = shown(diffPolicies(text, text.replace('for 90 days. {#C-RET', 'for 60 days. {#C-RET')))
  expect(changed).toEqual(['# How long we keep it', 'Logs of API requests for [-90] [+60] days.'])
})
