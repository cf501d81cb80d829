import { beforeEach, expect, it } from 'vitest'
import { forgetForm, keepForm, readForm } from './kept-form'

beforeEach(() => sessionStorage.clear())

it('gives fields back to the form that they belong to, until they are forgotten', () => {
  keepForm('profile', { name: 'Ada' })
  expect(readForm('other')).toBeNull()
  expect(readForm('profile')).toEqual({ name: 'Ada' })
  forgetForm()
  expect(readForm('profile')).toBeNull()
  expect(sessionStorage.length).toBe(0)
})

it('does not give back what is older than ten minutes', () => {
  keepForm('profile', { name: 'Ada' }, 1_000)
  expect(readForm('profile', 1_000 + 10 * 60_000)).toEqual({ name: 'Ada' })
  expect(readForm('profile', 1_001 + 10 * 60_000)).toBeNull()
})

it('survives what is broken or of another shape', () => {
  for (const text of ['{', '[]', '{"name":"profile"}', '{"name":"profile","at":1,"fields":3}']) {
    sessionStorage.setItem('k2.form', text)
    expect(readForm('profile', 2)).toBeNull()
  }
})
