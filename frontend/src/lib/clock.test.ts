import { act, renderHook } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { useQuarter } from './clock'

afterEach(() => vi.useRealTimers())

it('is the same within a quarter of an hour, and another one when the next has begun', () => {
  vi.useFakeTimers({ now: new Date(2026, 4, 3, 23, 58, 10) })
  const { result } = renderHook(useQuarter)
  const first = result.current
  act(() => void vi.advanceTimersByTime(60_000))
  expect(result.current).toBe(first)
  act(() => void vi.advanceTimersByTime(65_000))
  expect(result.current.getDate()).toBe(4)
})
