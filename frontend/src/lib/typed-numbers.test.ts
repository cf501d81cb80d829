import { expect, it } from 'vitest'
import { typedCredits, wholeNumber } from './typed-numbers'

it.each([
  [' 50 ', '50'],
  ['0', '0'],
  ['0,5', '0.5'],
  ['12.50', '12.5'],
  ['1 000.5', '1000.5'],
  ['1,50', '1.5'],
  ['1234,567', '1234.567'],
])('%j is %j credits', (typed, amount) => {
  expect(typedCredits(typed)).toBe(amount)
})

it.each(['', 'many', '-1', '1e3', '1.2.3', '0.0000001', '1,000', '999,000'])('%j is no amount, or not surely one', (typed) => {
  expect(typedCredits(typed)).toBeNull()
})

it.each([
  ['', null],
  ['  ', null],
  ['1', 1],
  ['60000', 60_000],
  ['60,000', 60_000],
  ['60.000', 60_000],
  ['60 000', 60_000],
  ['60’000', 60_000],
  ['1,000,000', 1_000_000],
  ['1.5', undefined],
  ['1,5', undefined],
  ['1,00', undefined],
  ['1000,000', undefined],
  ['1,000.000', undefined],
  ['0', undefined],
  ['-3', undefined],
  ['9999999999', undefined],
  ['ten', undefined],
])('%j is the whole number %j', (typed, number) => {
  expect(wholeNumber(typed)).toBe(number)
})
