import { i18n } from '@lingui/core'
import { expect, test } from 'vitest'
import { sizeText } from './size-text'

test('sizes are told in the unit that fits', () => {
  i18n.loadAndActivate({ locale: 'en', messages: {} })
  expect([0, 999, 1200, 45_600, 1_234_567, 3e9, 5e12].map(sizeText)).toEqual([
    '0 byte',
    '999 byte',
    '1.2 kB',
    '46 kB',
    '1.2 MB',
    '3 GB',
    '5,000 GB',
  ])
})
