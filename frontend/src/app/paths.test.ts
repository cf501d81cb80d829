import { expect, it } from 'vitest'
import { parseSignIn } from './paths'

it.each(['/', '/billing', '/c/con_1', '/auth/operator?token=a.b', '/billing/return?purchase=pur_0198c2f4'])(
  'one comes back to %s',
  (page) => {
    expect(parseSignIn({ return: page })).toEqual({ return: page })
  },
)

it.each([
  '//evil.example',
  '/\\evil.example',
  'https://evil.example',
  '/c/x?next=//evil.example',
  '/billing/return?purchase=x&next=/y',
  '/billing/return?purchase=//evil.example',
  '/billing?purchase=x',
])('one does not come back to %s', (page) => {
  expect(parseSignIn({ return: page })).toEqual({})
})
