import { fireEvent, render, screen } from '@testing-library/react'
import { useRef } from 'react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { dialog } from '@/lib/ui-state'
import { useEscape } from './use-escape'

const stop = vi.fn()

function Page({ open }: { open: boolean }) {
  const composer = useRef<HTMLTextAreaElement>(null)
  useEscape(stop, composer)
  return (
    <>
      <textarea ref={composer} aria-label="composer" />
      <textarea aria-label="question" />
      <input aria-label="title" />
      <button type="button">elsewhere</button>
      {open && <dialog open>Share</dialog>}
    </>
  )
}

const escape = (element: Element) => fireEvent.keyDown(element, { key: 'Escape' })

beforeEach(() => stop.mockClear())
afterEach(() => dialog.set(null))

it('stops the answer from the composer and from wherever nothing is typed', () => {
  render(<Page open={false} />)
  escape(screen.getByLabelText('composer'))
  escape(screen.getByRole('button'))
  escape(document.body)
  expect(stop).toHaveBeenCalledTimes(3)
  fireEvent.keyDown(screen.getByLabelText('composer'), { key: 'Escape', isComposing: true })
  fireEvent.keyDown(document.body, { key: 'a' })
  expect(stop).toHaveBeenCalledTimes(3)
})

it('leaves the answer alone where a title or a question is edited', () => {
  render(<Page open={false} />)
  escape(screen.getByLabelText('title'))
  escape(screen.getByLabelText('question'))
  expect(stop).not.toHaveBeenCalled()
})

it('leaves the answer alone while a dialog is there to be closed', () => {
  render(<Page open />)
  escape(screen.getByLabelText('composer'))
  escape(document.body)
  expect(stop).not.toHaveBeenCalled()
})

it('leaves the answer alone while a dialog is on its way', () => {
  render(<Page open={false} />)
  dialog.set('shortcuts')
  escape(document.body)
  expect(stop).not.toHaveBeenCalled()
})
