import { Trans, useLingui } from '@lingui/react/macro'
import { ArrowUp, Square } from 'lucide-react'
import { type ReactNode, type Ref, Suspense, useId } from 'react'
import { lazyPart } from '@/components/ui/lazy-part'
import { Notice } from '@/components/ui/notice'
import { errorText } from '@/lib/error-text'
import type { Refusal } from '@/lib/graphql/act'
import { type Store, useStore } from '@/lib/store'
import { MessagesLeft, useAgeRefused, useMessagesLeft } from './guest-allowance'
import { GrowingText } from './growing-text'
import { ModelPicker } from './model-picker'
import { isBlank, maxBytes, sizeOf } from './text-size'

const AgeRefusedPanel = lazyPart(() => import('./guest-panels').then((part) => part.AgeRefusedPanel), 'near')
const GuestLimitPanel = lazyPart(() => import('./guest-panels').then((part) => part.GuestLimitPanel), 'near')
const TooLittle = lazyPart(() => import('./too-little').then((part) => part.TooLittle), 'near')

interface ComposerProps {
  ref?: Ref<HTMLTextAreaElement>
  draft: Store<string>
  /** Why the last text came back. */
  refusal: Refusal | null
  /** The model of the conversation's last answer. */
  modelId: string | null
  /** What is known of the branch, in few words. */
  gauge: ReactNode
  /** Given while an answer is being written: it stands in for sending. */
  onStop: (() => void) | null
  /** An earlier message is still on its way. */
  sending: boolean
  onSend(text: string): void
  onEditLast(): void
}

/** Where a message is written. What is typed stays until the server has it. */
export function Composer({ ref, draft, refusal, modelId, gauge, onStop, sending, onSend, onEditLast }: ComposerProps) {
  const { t, i18n } = useLingui()
  const hintId = useId()
  const text = useStore(draft)
  const left = useMessagesLeft()
  const bytes = sizeOf(text)
  const tooLong = bytes > maxBytes
  const atLimit = left === 0
  const ageRefused = useAgeRefused()
  const closed = atLimit || ageRefused
  const usable = !isBlank(text) && !tooLong && !closed && !sending && onStop === null
  const size = i18n.number(bytes / maxBytes, { maximumFractionDigits: 2 })

  const send = () => {
    if (!usable) return
    draft.set('')
    onSend(text)
  }

  return (
    <section aria-label={t`Message`} className="flex w-full flex-col gap-2">
      <Suspense fallback={null}>
        {ageRefused ? <AgeRefusedPanel /> : atLimit && <GuestLimitPanel text={text} />}
        {refusal && !closed && <Refused refusal={refusal} />}
      </Suspense>
      {tooLong && (
        <Notice role="alert" tone="danger">{t`This is ${size} MiB; at most 1 MiB can be sent. Shorten or split it.`}</Notice>
      )}
      <div className="rounded-card border border-line-strong bg-surface p-2 shadow-float transition-colors focus-within:border-control">
        <GrowingText
          ref={ref}
          label={t`Message`}
          placeholder={t`Ask anything`}
          describedBy={hintId}
          value={text}
          onChange={(next) => draft.set(next)}
          onSend={send}
          onArrowUp={onEditLast}
        />
        <div className="mt-1 flex items-center justify-between gap-2 pl-2">
          <div className="flex min-w-0 items-center gap-2">
            <div id={hintId} className="min-w-0 truncate empty:hidden">
              {left !== null && left > 0 && <MessagesLeft left={left} />}
            </div>
            {gauge}
          </div>
          <div className="flex min-w-0 items-center gap-1.5">
            <ModelPicker ofConversation={modelId} />
            {onStop ? <StopButton onStop={onStop} /> : <SendButton usable={usable} onSend={send} />}
          </div>
        </div>
      </div>
    </section>
  )
}

function Refused({ refusal }: { refusal: Refusal }) {
  if (refusal.code === 'INSUFFICIENT_CREDITS') return <TooLittle refusal={refusal} />
  return (
    <Notice role="alert" tone="danger">
      {/* Of a key that was used before the server has words of its own. */}
      {refusal.code === 'CONFLICT' && refusal.field.length === 0 ? (
        <Trans>Another answer is still being written here. Wait for it, or stop it.</Trans>
      ) : (
        errorText(refusal)
      )}
    </Notice>
  )
}

const round = 'grid size-9 shrink-0 place-content-center rounded-full transition-colors touch:size-11'

function SendButton({ usable, onSend }: { usable: boolean; onSend(): void }) {
  const { t } = useLingui()
  return (
    <button
      type="button"
      aria-label={t`Send`}
      title={t`Send`}
      aria-disabled={!usable}
      onClick={onSend}
      className={`${round} ${usable ? 'bg-tide text-on-tide hover:opacity-90' : 'bg-hover text-ink-3'}`}
    >
      <ArrowUp size={18} />
    </button>
  )
}

function StopButton({ onStop }: { onStop(): void }) {
  const { t } = useLingui()
  return (
    <button
      type="button"
      aria-label={t`Stop`}
      title={`${t`Stop`} (Esc)`}
      onClick={onStop}
      className={`${round} bg-ink text-paper hover:opacity-85`}
    >
      <Square size={13} fill="currentcolor" />
      <span className="sr-only">
        <Trans>Escape stops it too</Trans>
      </span>
    </button>
  )
}
