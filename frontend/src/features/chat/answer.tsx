import { plural } from '@lingui/core/macro'
import { useLingui } from '@lingui/react/macro'
import { memo, Suspense } from 'react'
import type { MessagePartsFragment } from '@/gql/graphql'
import { lazyPart } from '@/components/ui/lazy-part'
import { useServiceInfo } from '@/lib/service-info'
import { AnswerStatus } from './answer-status'
import { CopyButton } from './copy-button'
import { Prose } from './prose'
import { Reasoning } from './reasoning'
import { isOver, replyFrom } from './reduce-reply'
import { Regenerate } from './regenerate'
import { useReply } from './reply-store'
import { useAnnounceReply } from './use-announce-reply'
import { VersionSwitcher } from './version-switcher'
import { Waiting } from './waiting'

const ReplyCost = lazyPart(() => import('./cost/reply-cost').then((part) => part.ReplyCost), 'near', 'nothing')

export interface MessageActs {
  show(messageId: string): void
  regenerate(replyId: string, modelId?: string): void
  goOn(replyId: string): void
  edit(messageId: string | null): void
}

interface AnswerProps {
  message: MessagePartsFragment
  acts: MessageActs
}

/** A reply of the model, stored or being written. */
export const Answer = memo(function Answer({ message, acts }: AnswerProps) {
  const { t } = useLingui()
  const live = useReply(message)
  const { text, reasoning, status, error, place } = live ?? replyFrom(message)
  useAnnounceReply(live, text)
  const done = isOver(status)
  const waiting = !done && text === '' && reasoning === ''
  return (
    <article
      aria-label={t`Answer`}
      aria-busy={!done}
      tabIndex={-1}
      data-message={message.id}
      className="group rounded-row outline-offset-8"
    >
      <h2 className="sr-only">{t`Answer`}</h2>
      {message.droppedMessages > 0 && <DroppedNote count={message.droppedMessages} />}
      {reasoning !== '' && (
        <Reasoning text={reasoning} tookMs={message.reasoningMs} since={live?.thinkingSince ?? null} done={done || text !== ''} />
      )}
      {waiting && <Waiting place={place} />}
      {text !== '' && <Prose text={text} done={done} />}
      {done && (
        <>
          <AnswerStatus
            status={status}
            error={error}
            finishReason={message.finishReason}
            hasText={text !== ''}
            onContinue={() => acts.goOn(message.id)}
            onRegenerate={() => acts.regenerate(message.id)}
          />
          <AnswerFoot message={message} text={text} acts={acts} />
        </>
      )}
    </article>
  )
})

function DroppedNote({ count }: { count: number }) {
  const { t } = useLingui()
  return (
    <p className="mb-3 text-xs text-ink-3">
      {t`The oldest ${plural(count, { one: '# message', other: '# messages' })} no longer fit what the model can read and weren’t shown to it.`}
    </p>
  )
}

function AnswerFoot({ message, text, acts }: { message: MessagePartsFragment; text: string; acts: MessageActs }) {
  return (
    <footer className="mt-2 -ml-2 flex min-h-8 flex-wrap items-center gap-x-1 text-ink-3">
      {text !== '' && <CopyButton text={text} />}
      <Regenerate message={message} acts={acts} />
      <VersionSwitcher id={message.id} versions={message.siblings} onShow={acts.show} />
      <ModelLine message={message} />
      <Cost message={message} />
    </footer>
  )
}

/** What the answer cost; guests pay nothing, so nothing is said to them. */
function Cost({ message }: { message: MessagePartsFragment }) {
  const pays = useServiceInfo()?.viewer.kind === 'ACCOUNT'
  const { usage, credits } = message
  if (!pays || !usage || credits === null) return null
  return (
    <Suspense fallback={null}>
      <ReplyCost message={{ ...message, usage, credits }} />
    </Suspense>
  )
}

/** The model and the engine that wrote the answer, always by their own names. */
function ModelLine({ message: { model, engineName, usage } }: { message: MessagePartsFragment }) {
  const { t } = useLingui()
  if (!model) return null
  const written = usage?.outputTokens ?? 0
  const detail = usage ? t`${plural(written, { one: '# token', other: '# tokens' })} written` : undefined
  const names = engineName && engineName.toLowerCase() !== model.name.toLowerCase() ? `${model.name} · ${engineName}` : model.name
  return (
    <span className="ml-2 text-xs text-ink-3" title={detail}>
      {names}
    </span>
  )
}
