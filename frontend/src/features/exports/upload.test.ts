import { expect, test } from 'vitest'
import { read } from './upload'

test('what the server answers to a file is one of three outcomes', () => {
  const imported = { source: 'CHATGPT', conversations: 2, messages: 5, skipped: 1 }
  expect(read(200, JSON.stringify(imported))).toEqual({ kind: 'done', imported })
  expect(read(400, '{"errors":[{"message":"no","extensions":{"code":"INVALID"}}]}')).toEqual({
    kind: 'refused',
    code: 'INVALID',
    message: 'no',
  })
  for (const [status, body] of [
    [502, '<html>'],
    [500, '{}'],
    [0, ''],
  ] as const) {
    expect(read(status, body)).toEqual({ kind: 'unreachable' })
  }
})
