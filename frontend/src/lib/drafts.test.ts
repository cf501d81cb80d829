import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { flushDrafts, keepDrafts, readDraft, sweepDrafts, writeDraft } from './drafts'
import { draftKeyPrefix, isDeclaredKey } from './storage-keys'

beforeEach(() => {
  localStorage.clear()
  vi.useFakeTimers()
})
afterEach(() => {
  flushDrafts()
  vi.useRealTimers()
})

const day = 24 * 60 * 60 * 1000

it('keeps a draft for each place, in declared keys only', async () => {
  writeDraft('new', 'one')
  writeDraft('con_1', 'two')
  await vi.advanceTimersByTimeAsync(300)
  expect([readDraft('new'), readDraft('con_1'), readDraft('con_2')]).toEqual(['one', 'two', ''])
  expect(Object.keys(localStorage).every(isDeclaredKey)).toBe(true)
})

it('gives what was just typed, and writes it when the page goes away', () => {
  const end = keepDrafts()
  writeDraft('new', 'unfinished')
  expect(readDraft('new')).toBe('unfinished')
  expect(localStorage.getItem(`${draftKeyPrefix}new`)).toBeNull()
  window.dispatchEvent(new Event('pagehide'))
  expect(localStorage.getItem(`${draftKeyPrefix}new`)).toContain('unfinished')
  end()
})

it('forgets an emptied draft', () => {
  writeDraft('new', 'x')
  flushDrafts()
  writeDraft('new', '')
  flushDrafts()
  expect(localStorage).toHaveLength(0)
})

it('lets a draft live for seven days', () => {
  writeDraft('new', 'old words')
  flushDrafts()
  vi.setSystemTime(Date.now() + 7 * day - 1)
  expect(readDraft('new')).toBe('old words')
  vi.setSystemTime(Date.now() + 1)
  expect(readDraft('new')).toBe('')
  sweepDrafts()
  expect(localStorage).toHaveLength(0)
})

it('ignores broken drafts and sweeps them, and nothing else', () => {
  localStorage.setItem(`${draftKeyPrefix}new`, '{"text":7')
  localStorage.setItem('k2.prefs', '{}')
  expect(readDraft('new')).toBe('')
  sweepDrafts()
  expect(Object.keys(localStorage)).toEqual(['k2.prefs'])
})

it('goes on without storage', () => {
  const refuse = vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError')
  })
  writeDraft('new', 'still here')
  expect(readDraft('new')).toBe('still here')
  expect(() => flushDrafts()).not.toThrow()
  refuse.mockRestore()
})
