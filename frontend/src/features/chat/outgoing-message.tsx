import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { Bubble } from '@/components/ui/bubble'
import { Button } from '@/components/ui/button'
import { errorText } from '@/lib/error-text'
import { dequeue, type Outgoing, setSendState } from './outbox'

interface OutgoingMessageProps {
  message: Outgoing
  /** Puts the text back to where it was typed. */
  onEdit(message: Outgoing): void
}

/** A message on its way: on show at once, with its state only when that isn't plain. */
export function OutgoingMessage({ message, onEdit }: OutgoingMessageProps) {
  const { t } = useLingui()
  const { state, text, clientId } = message
  const onTheWay = state.phase === 'sending' || state.phase === 'sent'
  return (
    <article aria-label={t`Your message`} className="flex flex-col items-end">
      <Bubble text={text} faded={onTheWay ? '' : 'opacity-70'} />
      <div className="mt-1 flex min-h-8 items-center gap-1 text-sm text-ink-3">
        {state.phase === 'waiting' && state.tries > 0 && (
          <span role="status">
            {state.refusal?.code === 'RATE_LIMITED' ? (
              <Trans>Other answers are still being written for you, or that was a lot at once. This goes by itself.</Trans>
            ) : (
              t`Not sent yet; trying again (${plural(state.tries, { one: '# try', other: '# tries' })})`
            )}
          </span>
        )}
        {state.phase === 'failed' && (
          <>
            <span role="alert" className="mr-1 text-danger">
              {state.refusal ? errorText(state.refusal) : <Trans>Not sent.</Trans>}
            </span>
            <Button look="quiet" onClick={() => setSendState(clientId, { phase: 'sending', tries: 0 })}>
              <Trans>Try again</Trans>
            </Button>
            <Button
              look="quiet"
              onClick={() => {
                onEdit(message)
                dequeue(clientId)
              }}
            >
              <Trans>Edit</Trans>
            </Button>
          </>
        )}
      </div>
      {onTheWay && (
        <p aria-hidden className="flex h-7 items-center self-start pt-6 text-md">
          <span className="lamp late" />
        </p>
      )}
    </article>
  )
}
