import { describe, expect, it } from 'vitest'
import { laidOut } from '@/features/developers/laid-out'
import { factsOf, reasonOf } from './run'

const headers = (of: Record<string, string>) => new Headers(of)

describe('what is said beside an answer', () => {
  it('P75: its id, its cost and what is left of the limits', () => {
    const text = '{"data":null,"extensions":{"cost":{"requested":12,"limit":1000}}}'
    const said = headers({ 'X-Request-Id': 'req_1', 'X-RateLimit-Limit': '600', 'X-RateLimit-Remaining': '599' })
    expect(factsOf(said, text)).toEqual({
      requestId: 'req_1',
      cost: { requested: 12, limit: 1000 },
      limit: { remaining: '599', of: '600' },
      retryAfter: null,
    })
  })

  it('is nothing where nothing is said', () => {
    const nothing = { requestId: null, cost: null, limit: null, retryAfter: null }
    for (const text of ['', 'null', '<html>', '{"extensions":{"cost":"much"}}']) expect(factsOf(headers({}), text)).toEqual(nothing)
  })
})

it('an answer is laid out when it is JSON, and left as it is when not', () => {
  expect(laidOut('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}')
  expect(laidOut('<html>')).toBe('<html>')
})

it('a subscription that ends says why in the server’s words', () => {
  expect(reasonOf([{ message: 'no', extensions: { code: 'SCOPE_MISSING' } }])).toContain('SCOPE_MISSING')
  expect(reasonOf({ code: 4403, reason: 'Forbidden' })).toBe('4403 Forbidden')
  expect(reasonOf(new Event('error'))).toBe('network')
})
