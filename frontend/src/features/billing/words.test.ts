import { expect, it } from 'vitest'
import { moneyText } from './words'

it('writes money as its currency is written', () => {
  expect(moneyText({ currency: 'USD', decimal: '1234.50' })).toBe('$1,234.50')
  expect(moneyText({ currency: 'JPY', decimal: '500' })).toBe('¥500')
})
