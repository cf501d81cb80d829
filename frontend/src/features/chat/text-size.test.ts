import { expect, it } from 'vitest'
import { isBlank, maxBytes, sizeOf } from './text-size'

it('counts bytes of UTF-8 where it matters', () => {
  expect(sizeOf('文'.repeat(400_000))).toBe(1_200_000)
  expect(sizeOf('a'.repeat(maxBytes))).toBe(maxBytes)
  expect(sizeOf('文'.repeat(100))).toBeLessThan(maxBytes)
})

it('knows texts that show nothing', () => {
  for (const text of ['', ' ', '\n\t', '\u200b\u00ad', '\u2800', '\u3164', '\u3000']) expect(isBlank(text)).toBe(true)
  for (const text of ['a', ' . ', '文', '👍']) expect(isBlank(text)).toBe(false)
})
