import { describe, expect, it } from 'vitest'
import { browserZone } from '@/lib/browser-zone'
import { csvAddress, inputOf, isNarrow, readFilter, wordsOf } from './filter'

const now = Date.parse('2026-11-29T12:00:00Z')

describe('the filter of the request log', () => {
  it('is read from the address, and what it doesn’t know is dropped', () => {
    expect(readFilter({ key: 'key_1', outcome: 'LIMITED', model: 'k2', route: 'POST /v1/chat/completions', since: '24h' })).toEqual(
      {
        key: 'key_1',
        outcome: 'LIMITED',
        model: 'k2',
        route: 'POST /v1/chat/completions',
        since: '24h',
      },
    )
    expect(readFilter({ outcome: 'ALL', since: 'toString', from: 'yesterday', key: '', page: '3' })).toEqual({})
  })

  it('takes moments over a span', () => {
    const filter = readFilter({ since: '1h', from: '2026-11-01T00:00:00Z' })
    expect(filter).toEqual({ from: '2026-11-01T00:00:00.000Z' })
    expect(isNarrow(filter)).toBe(true)
    expect(isNarrow(readFilter({}))).toBe(false)
  })

  it('is the same again after a trip through the address', () => {
    const filter = readFilter({ key: 'key_1', from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z' })
    expect(readFilter(wordsOf(filter))).toEqual(filter)
  })

  it('reaches back from now by its span', () => {
    expect(inputOf({ since: '1h', outcome: 'FAILED' }, now)).toEqual({ from: '2026-11-29T11:00:00.000Z', outcome: 'FAILED' })
    expect(inputOf({}, now)).toEqual({})
  })

  it('P70: the CSV holds the same rows', () => {
    const { searchParams, pathname } = new URL(csvAddress({ key: 'key_1', route: 'query viewer', since: '7d' }, now), 'http://a')
    expect(pathname).toBe('/developers/requests.csv')
    expect(Object.fromEntries(searchParams)).toEqual({
      keyId: 'key_1',
      route: 'query viewer',
      from: '2026-11-22T12:00:00.000Z',
      timeZone: browserZone(),
    })
    expect(csvAddress({}, now)).toBe(`/developers/requests.csv?${new URLSearchParams({ timeZone: browserZone() }).toString()}`)
  })
})
