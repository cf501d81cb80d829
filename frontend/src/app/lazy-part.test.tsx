import { act, fireEvent, render, screen } from '@testing-library/react'
import { type ComponentType, Suspense } from 'react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { I18nProvider } from '@lingui/react'
import { i18n } from '@lingui/core'
import { ErrorBoundary } from './error-boundary'
import { toasts } from '@/lib/toasts'
import { lazyPart } from '@/components/ui/lazy-part'

type Named = { name: string }

const loaded = ({ name }: Named) => <p>hello {name}</p>

/** Loads after `failures` failures. */
function loader(failures: number) {
  let left = failures
  return vi.fn<() => Promise<ComponentType<Named>>>(async () => {
    if (left-- > 0) throw new TypeError('Failed to fetch dynamically imported module')
    return loaded
  })
}

function page(part: React.ReactNode) {
  return (
    <I18nProvider i18n={i18n}>
      <ErrorBoundary>
        <p>page</p>
        <Suspense fallback={null}>{part}</Suspense>
      </ErrorBoundary>
    </I18nProvider>
  )
}

beforeEach(() => {
  toasts.set([])
  vi.spyOn(console, 'error').mockImplementation(() => {})
})
afterEach(() => vi.restoreAllMocks())

it('a part that can’t be loaded leaves the page alone, and is loaded when it is asked for again', async () => {
  const load = loader(1)
  const Part = lazyPart(load, null)
  render(page(<Part name="you" />))
  expect((await screen.findByRole('alert')).textContent).toContain('can’t be loaded')
  expect(screen.getByText('page')).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }))
  expect(await screen.findByText('hello you')).toBeTruthy()
  expect(load).toHaveBeenCalledTimes(2)
})

it('a decoration that can’t be loaded is left out until the network is back', async () => {
  const load = loader(1)
  const Part = lazyPart(load, null, 'nothing')
  const { container } = render(page(<Part name="you" />))
  await vi.waitFor(() => expect(load).toHaveBeenCalledTimes(1))
  await act(async () => {})
  expect(container.textContent).toBe('page')
  act(() => void window.dispatchEvent(new Event('online')))
  expect(await screen.findByText('hello you')).toBeTruthy()
})

it('a dialog that can’t be loaded closes and says so, and opens the next time', async () => {
  const load = loader(1)
  const onFailed = vi.fn<(props: Named) => void>()
  const Part = lazyPart(load, null, onFailed)
  const { rerender } = render(page(<Part name="you" />))
  await vi.waitFor(() => expect(onFailed).toHaveBeenCalledWith({ name: 'you' }))
  expect(toasts.get()).toMatchObject([{ tone: 'danger', action: { label: 'Reload' } }])
  rerender(page(null))
  rerender(page(<Part name="you" />))
  expect(await screen.findByText('hello you')).toBeTruthy()
})

it('what fails in a part that is loaded is the page’s to show', async () => {
  const Broken = lazyPart<Named>(
    async () => () => {
      throw new Error('broken')
    },
    null,
    'nothing',
  )
  render(page(<Broken name="you" />))
  expect(await screen.findByText('This page failed.')).toBeTruthy()
})
