import { Trans, useLingui } from '@lingui/react/macro'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import type { MessageStatus } from '@/gql/graphql'
import { errorText } from '@/lib/error-text'
import type { ReplyState } from './reduce-reply'

interface AnswerStatusProps {
  status: MessageStatus
  error: ReplyState['error']
  /** Why the engine ended, in its words; null while that isn't known. */
  finishReason: string | null
  hasText: boolean
  onContinue(): void
  onRegenerate(): void
}

function useFailure(error: ReplyState['error']): string {
  const { t } = useLingui()
  if (error?.code === 'INSUFFICIENT_CREDITS') return t`The credits ran out while this was written. What came so far is kept.`
  return error ? errorText(error) : t`This answer failed.`
}

/** Why an answer ended before its end, and what can be done about it. */
export function AnswerStatus({ status, error, finishReason, hasText, onContinue, onRegenerate }: AnswerStatusProps) {
  const { t } = useLingui()
  const failure = useFailure(error)
  const words = {
    PENDING: null,
    STREAMING: null,
    COMPLETE: finishReason === 'length' ? t`The answer reached its length limit.` : null,
    STOPPED: t`You stopped this answer.`,
    INTERRUPTED: errorText({ code: 'INTERRUPTED' }),
    FAILED: failure,
  }[status]
  if (words === null) return null
  // The same request would end the same way.
  const hopeless = error?.code === 'CONTEXT_TOO_LONG' || error?.code === 'UPSTREAM_UNAUTHORIZED'
  return (
    <div className="mt-3">
      <Notice
        tone={status === 'FAILED' ? 'danger' : 'calm'}
        actions={
          !hopeless && (
            <>
              <Button look="quiet" onClick={onContinue}>
                {hasText ? <Trans>Continue</Trans> : <Trans>Try again</Trans>}
              </Button>
              {hasText && (
                <Button look="quiet" onClick={onRegenerate}>
                  <Trans>Regenerate</Trans>
                </Button>
              )}
            </>
          )
        }
      >
        {words}
      </Notice>
    </div>
  )
}
