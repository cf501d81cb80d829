import { fireEvent, render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { useState } from 'react'
import { expect, it, vi } from 'vitest'
import { GrowingText } from './growing-text'

function Field({ onSend, onArrowUp }: { onSend(text: string): void; onArrowUp?(): void }) {
  const [text, setText] = useState('')
  return <GrowingText label="Message" value={text} onChange={setText} onSend={() => onSend(text)} onArrowUp={onArrowUp} />
}

it('sends with Enter and not while an input method composes', async () => {
  const onSend = vi.fn()
  render(<Field onSend={onSend} />)
  const field = screen.getByRole('textbox', { name: 'Message' })
  await userEvent.type(field, 'ni')
  fireEvent.keyDown(field, { key: 'Enter', keyCode: 229, isComposing: true })
  expect(onSend).not.toHaveBeenCalled()
  fireEvent.keyDown(field, { key: 'Enter', keyCode: 13 })
  expect(onSend).toHaveBeenCalledWith('ni')
})

it('goes to the last question only from an empty text', async () => {
  const onArrowUp = vi.fn()
  render(<Field onSend={vi.fn()} onArrowUp={onArrowUp} />)
  const field = screen.getByRole('textbox', { name: 'Message' })
  await userEvent.type(field, 'x{ArrowUp}')
  expect(onArrowUp).not.toHaveBeenCalled()
  await userEvent.type(field, '{Backspace}{ArrowUp}')
  expect(onArrowUp).toHaveBeenCalledTimes(1)
})
