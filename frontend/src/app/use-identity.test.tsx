import { renderHook } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { changeOwner } from '@/features/account/local-data'
import { missing } from '@/lib/questions'
import { toasts } from '@/lib/toasts'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { useIdentity } from './use-identity'

vi.mock('@/features/account/local-data', () => ({ changeOwner: vi.fn() }))

const gate = { ageConfirmed: true, ageRefused: false, policyAccepted: true }
const viewer = { ...accountInfo.viewer, gate, account: { id: 'acc_1' } } as typeof accountInfo.viewer

beforeEach(() => {
  vi.useFakeTimers()
  localStorage.clear()
  toasts.set([])
  missing.set('unknown')
})
afterEach(() => {
  vi.useRealTimers()
})

function draw() {
  const { client } = testClient({})
  const wrapper = ({ children }: { children: ReactNode }) => (
    <TestApp client={client} info={accountInfo}>
      {children}
    </TestApp>
  )
  renderHook(() => useIdentity(viewer), { wrapper })
}

it('messages go once what puts the drafts in order could be loaded, also after failures', async () => {
  vi.mocked(changeOwner).mockRejectedValueOnce(new TypeError('Failed to fetch dynamically imported module'))
  draw()
  await vi.advanceTimersByTimeAsync(0)
  expect(missing.get()).toBe('unknown')
  await vi.advanceTimersByTimeAsync(3_000)
  expect(missing.get()).toBeNull()
  expect(toasts.get()).toEqual([])
})

it('offers to reload when it stays away', async () => {
  vi.mocked(changeOwner).mockRejectedValue(new TypeError('Failed to fetch dynamically imported module'))
  draw()
  await vi.advanceTimersByTimeAsync(3_100)
  expect(missing.get()).toBe('unknown')
  expect(toasts.get()).toMatchObject([{ action: { label: 'Reload' } }])
})
