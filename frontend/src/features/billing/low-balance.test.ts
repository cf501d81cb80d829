import { expect, it } from 'vitest'
import { thresholdOf } from './low-balance'

it('reads what people type as an amount', () => {
  expect(thresholdOf(' 50 ')).toBe('50')
  expect(thresholdOf('0,5')).toBe('0.5')
  expect(thresholdOf('0')).toBe('0')
  for (const wrong of ['', 'many', '-1', '1e3', '1.2.3', '0.0000001']) expect(thresholdOf(wrong)).toBeNull()
})
