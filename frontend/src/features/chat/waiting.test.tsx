import { i18n } from '@lingui/core'
import { I18nProvider } from '@lingui/react'
import { act, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { slowAfter, Waiting } from './waiting'

const at = (place: number) => (
  <I18nProvider i18n={i18n}>
    <Waiting place={place} />
  </I18nProvider>
)

const pass = (ms: number): void => {
  act(() => {
    vi.advanceTimersByTime(ms)
  })
}

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

it('says that the model is being made ready when nothing comes for long', () => {
  render(at(0))
  pass(slowAfter - 1)
  expect(screen.queryByRole('status')).toBeNull()
  pass(1)
  expect(screen.getByRole('status').textContent).toBe('The model is being made ready. This can take a few minutes.')
})

it('counts from when the turn has come, not the time in the line', () => {
  const { rerender } = render(at(2))
  pass(slowAfter)
  expect(screen.getByRole('status').textContent).toBe('The engine is busy: 2nd in line')
  rerender(at(0))
  pass(slowAfter - 1)
  expect(screen.queryByRole('status')).toBeNull()
  pass(1)
  screen.getByText(/being made ready/)
})
