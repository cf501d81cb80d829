import { renderHook } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { changeOwner } from '@/features/account/local-data'
import { session as completions } from '@/features/developers/completions/session'
import { session as playground } from '@/features/developers/playground/session'
import { missing } from '@/lib/questions'
import { storageKeys } from '@/lib/storage-keys'
import { toasts } from '@/lib/toasts'
import { signingOut } from '@/lib/ui-state'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { useIdentity, watchReturn } from './use-identity'

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

/** Shows the page again as the browser kept it, or loads it; says whether it loads itself anew. */
function comeBack(persisted: boolean): boolean {
  const reload = vi.spyOn(location, 'reload').mockImplementation(() => {})
  window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }))
  return reload.mock.calls.length > 0
}

it('P36: a page that Back shows again after a sign-out, or to somebody else, is loaded anew', async () => {
  const end = watchReturn()
  vi.mocked(changeOwner).mockResolvedValue()
  draw()
  await vi.advanceTimersByTimeAsync(0)
  localStorage.setItem(storageKeys.owner, 'acc_1')
  expect(comeBack(true)).toBe(false)
  signingOut.set(true)
  expect(comeBack(false)).toBe(false)
  expect(comeBack(true)).toBe(true)
  expect(document.body.hidden).toBe(true)
  signingOut.set(false)
  vi.restoreAllMocks()
  localStorage.setItem(storageKeys.owner, 'acc_2')
  expect(comeBack(true)).toBe(true)
  document.body.hidden = false
  end()
})

it('P36: signing out forgets the keys that were typed on the developers’ pages', () => {
  playground.update((before) => ({ ...before, apiKey: 'k2_secret' }))
  completions.update((before) => ({ ...before, apiKey: 'k2_secret', keyUntil: 1 }))
  signingOut.set(true)
  signingOut.set(false)
  expect([playground.get().apiKey, completions.get().apiKey, completions.get().keyUntil]).toEqual(['', '', null])
})
