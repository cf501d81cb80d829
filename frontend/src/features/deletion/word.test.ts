import { expect, test } from 'vitest'
import { eraseWord, sameText } from './word'

test('what is typed may differ in case and in white space around it, and in nothing else', () => {
  expect(sameText(' delete ', eraseWord)).toBe(true)
  expect(sameText('Ada@Example.com', 'ada@example.com')).toBe(true)
  for (const typed of ['', 'DELET', 'DELETE!', 'de lete']) expect(sameText(typed, eraseWord)).toBe(false)
})
