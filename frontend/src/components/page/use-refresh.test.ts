import { act, renderHook } from '@testing-library/react'
import { expect, test, vi } from 'vitest'
import { missedEvents } from '@/lib/ui-state'
import { useRefresh } from './use-refresh'

test('a page asks again when events may have been missed since it is there, not because some once were', () => {
  missedEvents.update((count) => count + 1)
  const ask = vi.fn<() => void>()
  const first: { again(): void } = { again: ask }
  const { rerender } = renderHook(({ again }) => useRefresh(again, 60_000), { initialProps: first })
  rerender({ again: () => ask() })
  expect(ask).not.toHaveBeenCalled()
  act(() => missedEvents.update((count) => count + 1))
  expect(ask).toHaveBeenCalledOnce()
})
