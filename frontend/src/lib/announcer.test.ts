import { expect, it } from 'vitest'
import { nextSentences } from './announcer'

it('gives complete sentences only, without marks', () => {
  const text = '## A title\n\nThis is **bold** and `code`. And [a link](https://example.org)! Not yet'
  const first = nextSentences(text, 0)
  expect(first.text).toBe('A title This is bold and code. And a link!')
  expect(nextSentences(text, first.to)).toEqual({ text: '', to: first.to })
})

it('knows Chinese sentences', () => {
  expect(nextSentences('你好。世界', 0).text).toBe('你好。')
})

it('doesn’t break inside numbers', () => {
  expect(nextSentences('Pi is 3.14 or so', 0).text).toBe('')
  expect(nextSentences('Pi is 3.', 0).text).toBe('')
})
