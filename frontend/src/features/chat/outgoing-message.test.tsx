import { i18n } from '@lingui/core'
import { I18nProvider } from '@lingui/react'
import { render, screen } from '@testing-library/react'
import { expect, it, vi } from 'vitest'
import type { ErrorCode } from '@/gql/graphql'
import { afterTry } from './outbox'
import { OutgoingMessage } from './outgoing-message'

function show(code: ErrorCode) {
  const refusal = { code, message: '', field: [], retryAfterMs: 5_000 }
  const step = afterTry({ phase: 'sending', tries: 0 }, { kind: 'refused', refusals: [refusal] })
  if (step.do !== 'keep') throw new Error('it was not kept')
  const message = { clientId: '1', conversationId: null, editOf: null, text: 'my question', modelId: null, createdAt: 0 }
  render(
    <I18nProvider i18n={i18n}>
      <OutgoingMessage message={{ ...message, state: step.state }} onEdit={vi.fn()} />
    </I18nProvider>,
  )
  screen.getByText('my question')
  return screen.getByRole('status').textContent
}

it('R-LIMIT: in a second tab, while another answer is written, the text is kept and says why it waits', () => {
  expect(show('RATE_LIMITED')).toMatch(/^Other answers are still being written for you/)
})

it('a message that waits for the line says how often it was tried', () => {
  expect(show('SHUTTING_DOWN')).toBe('Not sent yet; trying again (1 try)')
})
