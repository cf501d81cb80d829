import { expect, it } from 'vitest'
import { sizeWords } from './words'

it.each([
  [1, '1 credit'],
  [0, '0 credits'],
  [0.5, '0.5 credits'],
  [2, '2 credits'],
])('%d credits are said as %s', (size, words) => {
  expect(sizeWords(size, 'credits')).toBe(words)
})
