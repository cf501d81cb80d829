import { act, renderHook, waitFor } from '@testing-library/react'
import type { ReactNode } from 'react'
import { describe, expect, it } from 'vitest'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { useLedger } from './use-billing'

/** A ledger of which pages of two are given, from the newest on. */
function ledger(newest: { id: number }, fails: () => boolean) {
  const entry = (n: number) => ({
    __typename: 'LedgerEntryEdge',
    cursor: `c${n}`,
    node: {
      __typename: 'LedgerEntry',
      id: `len_${n}`,
      kind: 'GRANT',
      amount: '1',
      createdAt: '2026-12-01T10:00:00Z',
      reason: '',
      usage: null,
      purchase: null,
    },
  })
  return testClient({
    Ledger: ({ after }) => {
      if (after != null && fails()) return new Error('offline')
      const from = after == null ? newest.id : Number((after as string).slice(1)) - 1
      const numbers = [from, from - 1].filter((n) => n > 0)
      return {
        viewer: {
          __typename: 'Viewer',
          id: 'own_1',
          ledgerEntries: {
            __typename: 'LedgerEntryConnection',
            edges: numbers.map(entry),
            pageInfo: { __typename: 'PageInfo', hasNextPage: from > 2, endCursor: `c${numbers.at(-1) ?? 0}` },
          },
        },
      }
    },
  })
}

const idsOf = (rows: readonly { id: string }[] | null) => rows?.map(({ id }) => Number(id.slice(4)))

describe('the ledger', () => {
  it('keeps what was read when more is charged, and goes on from there', async () => {
    const newest = { id: 7 }
    const { client } = ledger(newest, () => false)
    const wrapper = ({ children }: { children: ReactNode }) => (
      <TestApp client={client} info={accountInfo}>
        {children}
      </TestApp>
    )
    const { result } = renderHook(() => useLedger(null), { wrapper })
    await waitFor(() => expect(idsOf(result.current.rows)).toEqual([7, 6]))
    act(() => result.current.more())
    await waitFor(() => expect(idsOf(result.current.rows)).toEqual([7, 6, 5, 4]))
    newest.id = 8
    act(() => result.current.retry())
    await waitFor(() => expect(idsOf(result.current.rows)).toEqual([8, 7, 6, 5, 4]))
    act(() => result.current.more())
    await waitFor(() => expect(idsOf(result.current.rows)).toEqual([8, 7, 6, 5, 4, 3, 2]))
  })

  it('says that more can’t be loaded, and keeps what is there', async () => {
    let broken = true
    const { client } = ledger({ id: 7 }, () => broken)
    const wrapper = ({ children }: { children: ReactNode }) => (
      <TestApp client={client} info={accountInfo}>
        {children}
      </TestApp>
    )
    const { result } = renderHook(() => useLedger(null), { wrapper })
    await waitFor(() => expect(idsOf(result.current.rows)).toEqual([7, 6]))
    act(() => result.current.more())
    expect(result.current.loadingMore).toBe(true)
    await waitFor(() => expect(result.current.moreFailed).toBe(true))
    expect([idsOf(result.current.rows), result.current.hasMore, result.current.loadingMore]).toEqual([[7, 6], true, false])
    broken = false
    act(() => result.current.more())
    await waitFor(() => expect(idsOf(result.current.rows)).toEqual([7, 6, 5, 4]))
    expect(result.current.moreFailed).toBe(false)
  })
})
