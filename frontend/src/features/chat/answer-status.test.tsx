import { i18n } from '@lingui/core'
import { I18nProvider } from '@lingui/react'
import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import type { MessageStatus } from '@/gql/graphql'
import { AnswerStatus } from './answer-status'

function show(status: MessageStatus, finishReason: string | null) {
  const onContinue = vi.fn()
  render(
    <I18nProvider i18n={i18n}>
      <AnswerStatus
        status={status}
        error={null}
        finishReason={finishReason}
        hasText
        onContinue={onContinue}
        onRegenerate={vi.fn()}
      />
    </I18nProvider>,
  )
  return onContinue
}

it('an answer that was cut at the length limit says so and can go on', async () => {
  const onContinue = show('COMPLETE', 'length')
  screen.getByText('The answer reached its length limit.')
  await userEvent.click(screen.getByRole('button', { name: 'Continue' }))
  expect(onContinue).toHaveBeenCalledOnce()
})

it.each(['stop', 'content_filter', null])('an answer that came to its end (%s) says nothing', (reason) => {
  show('COMPLETE', reason)
  expect(screen.queryByRole('button')).toBeNull()
})

it('an answer that the person stopped says that', () => {
  show('STOPPED', null)
  screen.getByText('You stopped this answer.')
})
