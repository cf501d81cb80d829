import { i18n } from '@lingui/core'
import { I18nProvider } from '@lingui/react'
import { createEvent, fireEvent, render, screen } from '@testing-library/react'
import { useRef } from 'react'
import { expect, it, vi } from 'vitest'
import { TitleEditor } from '@/features/conversations/title-editor'
import { GrowingText } from '@/features/chat/growing-text'
import { useEscape } from '@/features/chat/use-escape'

const escaped = { edit: vi.fn<() => void>(), answer: vi.fn<() => void>(), title: vi.fn<() => void>() }

function Page() {
  const composer = useRef<HTMLTextAreaElement>(null)
  useEscape(escaped.answer, composer)
  return (
    <>
      <GrowingText ref={composer} label="answer" value="ni" onChange={() => {}} onSend={() => {}} />
      <GrowingText label="edit" value="ni" onChange={() => {}} onSend={() => {}} onEscape={escaped.edit} />
      <TitleEditor title="title" onDone={escaped.title} />
    </>
  )
}

/** Presses Escape in a field, `after` milliseconds after a composition ended there. */
function press(name: keyof typeof escaped, after: number | null, key: object = {}): boolean {
  escaped[name].mockClear()
  const field = screen.getByRole('textbox', { name: new RegExp(name, 'i') })
  const down = createEvent.keyDown(field, { key: 'Escape', keyCode: 27, ...key })
  const end = createEvent.compositionEnd(field)
  Object.defineProperty(end, 'timeStamp', { value: down.timeStamp - (after ?? 1_000) })
  fireEvent(field, end)
  fireEvent(field, down)
  return escaped[name].mock.calls.length > 0
}

it.each(['edit', 'answer', 'title'] as const)('an Escape of an input method doesn’t leave: %s', (name) => {
  render(
    <I18nProvider i18n={i18n}>
      <Page />
    </I18nProvider>,
  )
  expect(press(name, null, { isComposing: true })).toBe(false)
  expect(press(name, null, { keyCode: 229 })).toBe(false)
  expect(press(name, 12)).toBe(false)
  expect(press(name, 400)).toBe(true)
})
