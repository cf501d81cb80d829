import type { Tokens } from 'marked'
import { afterEach, expect, test } from 'vitest'
import { lex } from './grammar'
import { messageMarkdown, toPlainText } from './plain-text'
import { tableCsv, tableMarkdown } from './table-text'
import { show } from './test-support'

let shown: ReturnType<typeof show> | undefined
afterEach(() => {
  shown?.remove()
  shown = undefined
})

const source = '| Name | Value, **total** |\n|:--|--:|\n| `a\\|b`, "c" | $x_1$ |\n| =1+1 | -5.2% |\n| @x | -y<br>z |'
const table = lex(source)[0] as Tokens.Table

test('a table scrolls by itself, is reached by the keyboard and aligns its columns', () => {
  shown = show(source)
  const region = shown.node.querySelector('[role=region]')
  expect([region?.getAttribute('tabindex'), region?.getAttribute('aria-label')]).toEqual(['0', 'Table'])
  expect([...shown.node.querySelectorAll('th')].map((cell) => cell.dataset.align)).toEqual(['left', 'right'])
})

test('rows that are finished keep their nodes while a table grows', () => {
  shown = show('| a |\n|---|\n| 1 |\n| 2', false)
  const first = shown.node.querySelector('tbody td')
  shown.update('| a |\n|---|\n| 1 |\n| 2 |\n| 3 |', false)
  shown.update('| a |\n|---|\n| 1 |\n| 2 |\n| 3 |\n\nend', true)
  expect(shown.node.querySelector('tbody td')).toBe(first)
  expect(shown.node.querySelectorAll('tbody tr').length).toBe(3)
})

test('as CSV a table is quoted, and no cell is a formula', () => {
  expect(tableCsv(table)).toBe(['Name,"Value, total"', '"a|b, ""c""",x_1', "'=1+1,-5.2%", '\'@x,"\'-y\nz"', ''].join('\r\n'))
})

test('as markdown a table is what was written', () => {
  expect(tableMarkdown(table)).toBe(`${source}\n`)
})

test('plain text has no marks', () => {
  expect(toPlainText('# A *b*\n\n- c\n- **d**\n\n> `e` &amp; [f](https://x.example)\n\n$$g$$\n\n```\nh\n```\n')).toBe('A b\n\nc\nd\n\ne & f\n\ng\n\nh')
})

test('a message is copied as its markdown', () => {
  expect(messageMarkdown('\n**a**\r\nb\n\n')).toBe('**a**\nb\n')
})
