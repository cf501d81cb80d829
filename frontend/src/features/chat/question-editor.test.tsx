import { i18n } from '@lingui/core'
import { I18nProvider } from '@lingui/react'
import { act, render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, it, vi } from 'vitest'
import { draftOf, putBack } from '@/lib/drafts'
import { QuestionEditor } from './question-editor'

const onSend = vi.fn()
const onCancel = vi.fn()

const edit = () => {
  render(
    <I18nProvider i18n={i18n}>
      <QuestionEditor messageId="msg_1" text="Why is the sky blue?" onSend={onSend} onCancel={onCancel} />
    </I18nProvider>,
  )
  return screen.getByLabelText<HTMLTextAreaElement>('Edit your message')
}

afterEach(() => {
  draftOf('msg_1').set('')
  vi.clearAllMocks()
})

it('begins with the question and can be emptied', async () => {
  const area = edit()
  expect(area.value).toBe('Why is the sky blue?')
  await userEvent.clear(area)
  expect(area.value).toBe('')
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Send' }).disabled).toBe(true)
  await userEvent.type(area, 'And the sea?')
  await userEvent.click(screen.getByRole('button', { name: 'Send' }))
  expect(onSend).toHaveBeenCalledExactlyOnceWith('And the sea?')
})

it('goes on with what was begun, and takes a text that comes back', () => {
  draftOf('msg_1').set('Why is the s')
  const area = edit()
  expect(area.value).toBe('Why is the s')
  act(() => putBack('msg_1', 'refused'))
  expect(area.value).toBe('refused\n\nWhy is the s')
})
