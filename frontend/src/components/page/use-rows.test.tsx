import { fireEvent, render, screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { MoreRows } from './more-rows'
import { joined } from './use-rows'

const keyOf = (n: number) => String(n)
const part = (after: string | null, ...rows: number[]) => ({ rows, after })

describe('what is read of a list that grows at its front', () => {
  it('is the front as it is now and what was there, where both meet', () => {
    const kept = part('c1', 5, 4, 3, 2, 1)
    expect(joined(kept, part('c4', 5, 4), keyOf)).toBe(kept)
    expect(joined(kept, part('c5', 7, 6, 5), keyOf)).toEqual(part('c1', 7, 6, 5, 4, 3, 2, 1))
    expect(joined(kept, part('c8', 9, 8), keyOf)).toEqual(part('c8', 9, 8))
    expect(joined(kept, part(null, 5, 4, 3, 2, 1), keyOf)).toEqual(part(null, 5, 4, 3, 2, 1))
    expect(joined(kept, part(null), keyOf)).toEqual(part(null))
    expect(joined(null, part('c2', 3, 2), keyOf)).toEqual(part('c2', 3, 2))
  })
})

it('the end of a list asks for more, waits, and says when it failed', () => {
  const more = vi.fn()
  const show = (end: { hasMore: boolean; loadingMore: boolean; moreFailed: boolean }) => (
    <TestApp client={testClient({}).client} info={accountInfo}>
      <MoreRows end={{ ...end, more }} />
    </TestApp>
  )
  const { rerender, container } = render(show({ hasMore: true, loadingMore: false, moreFailed: false }))
  fireEvent.click(screen.getByRole('button', { name: 'Show more' }))
  expect(more).toHaveBeenCalledTimes(1)
  rerender(show({ hasMore: true, loadingMore: true, moreFailed: false }))
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Show more' }).disabled).toBe(true)
  rerender(show({ hasMore: true, loadingMore: false, moreFailed: true }))
  expect(screen.getByRole('alert').textContent).toContain('Nothing was changed')
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }))
  expect(more).toHaveBeenCalledTimes(2)
  rerender(show({ hasMore: false, loadingMore: false, moreFailed: false }))
  expect(container.textContent).toBe('')
})
