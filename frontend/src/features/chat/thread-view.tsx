import { Trans, useLingui } from '@lingui/react/macro'
import { ArrowDown } from 'lucide-react'
import { type Ref, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef } from 'react'
import { Button } from '@/components/ui/button'
import type { MessagePartsFragment } from '@/gql/graphql'
import { Answer, type MessageActs } from './answer'
import { keepPlace } from './keep-place'
import type { Outgoing } from './outbox'
import { OutgoingMessage } from './outgoing-message'
import { Question } from './question'
import { QuestionEditor } from './question-editor'
import { before, type Turn, turnsOf } from './turns'
import { useFollow } from './use-follow'
import { useMessageKeys } from './use-message-keys'
import { useOlder } from './use-older'
import type { Thread } from './use-thread'

/** Above this many turns those out of sight aren't laid out. */
const manyTurns = 75

export interface ThreadHandle {
  /** Goes to the end and follows it. */
  toEnd(): void
  /** Shows a message and marks it for a moment; false when it isn't on show. */
  reveal(messageId: string): boolean
  /** Runs a change that shows another version, and leaves the place where it differs where it is. */
  switchTo(messageId: string, change: () => Promise<void>): Promise<void>
}

interface ThreadViewProps extends Pick<Thread, 'hasOlder' | 'older' | 'loadOlder'> {
  ref?: Ref<ThreadHandle>
  messages: readonly MessagePartsFragment[]
  outgoing: readonly Outgoing[]
  /** The message that is being written anew. */
  editing: string | null
  /** Whether the last turn was begun here: then it starts at the top of the view. */
  anchored: 'last' | 'none'
  acts: MessageActs
  onEdited(messageId: string, text: string): void
  onReturn(message: Outgoing): void
}

function messageElement(view: HTMLElement | null, id: string): HTMLElement | null {
  return view?.querySelector<HTMLElement>(`[data-message="${CSS.escape(id)}"]`) ?? null
}

/** A branch as a scrolled thread. J and K go from message to message. */
export function ThreadView(props: ThreadViewProps) {
  const { ref, messages, outgoing, editing, hasOlder, older, loadOlder } = props
  const { t } = useLingui()
  const view = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const { pill, toEnd, release } = useFollow(view, content)
  useMessageKeys(view)

  const edit = outgoing.find((message) => message.editOf !== null)
  const turns = useMemo(() => turnsOf(edit?.editOf ? before(messages, edit.editOf) : messages), [messages, edit])
  const busy = turns.at(-1)?.answer?.status === 'STREAMING'

  useImperativeHandle(
    ref,
    () => ({
      toEnd,
      reveal(id) {
        const element = messageElement(view.current, id)
        if (!element) return false
        release()
        element.scrollIntoView({ block: 'center' })
        element.focus({ preventScroll: true })
        element.classList.add('flash')
        setTimeout(() => element.classList.remove('flash'), 2_000)
        return true
      },
      async switchTo(id, change) {
        const now = messages.find((message) => message.siblings.some((sibling) => sibling.id === id))
        const element = now && messageElement(view.current, now.id)
        if (!view.current || !element) return change()
        release()
        const restore = keepPlace(view.current, element)
        await change()
        await new Promise(requestAnimationFrame)
        restore(messageElement(view.current, id))
      },
    }),
    [toEnd, release, messages],
  )

  useEffect(() => {
    if (editing === null) return
    release()
    messageElement(view.current, editing)?.scrollIntoView({ block: 'center' })
  }, [editing, release])

  useLayoutEffect(() => {
    if (outgoing.length > 0) toEnd()
  }, [outgoing.length, toEnd])

  const top = useOlder(view, content, { hasOlder, older, loadOlder }, messages[0]?.id)

  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={view}
        role="log"
        aria-live="off"
        aria-label={t`Messages`}
        aria-busy={busy}
        // A scrolled region has to be reachable for the keyboard.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className="@container-[size] h-full overflow-y-auto overscroll-contain outline-offset-[-2px]"
      >
        <div ref={content} className="mx-auto w-full max-w-180 px-5 pt-4 pb-8">
          <div ref={top} className="text-center text-sm text-ink-3">
            {hasOlder && older !== 'failed' && <p className="pb-4">{t`Loading earlier messages…`}</p>}
            {older === 'failed' && (
              <p className="pb-4">
                {t`Earlier messages can’t be loaded.`} <Button onClick={() => void loadOlder()}>{t`Try again`}</Button>
              </p>
            )}
          </div>
          <ol className="space-y-8">
            {turns.map((turn, index) => (
              <TurnRow
                key={turn.key}
                {...props}
                turn={turn}
                isLast={index === turns.length - 1 && outgoing.length === 0}
                far={turns.length > manyTurns}
              />
            ))}
            {outgoing.map((message) => (
              <li key={message.clientId} className="min-h-[calc(100cqh-4rem)]">
                <OutgoingMessage message={message} onEdit={props.onReturn} />
              </li>
            ))}
          </ol>
        </div>
      </div>
      {pill === 'shown' && (
        <button
          type="button"
          onClick={toEnd}
          className="fade-in absolute bottom-3 left-1/2 flex min-h-9 -translate-x-1/2 items-center gap-1.5 rounded-full border border-line-strong bg-surface px-4 text-sm text-ink-2 shadow-float hover:text-ink touch:min-h-11"
        >
          <ArrowDown size={15} />
          <Trans>Latest</Trans>
        </button>
      )}
    </div>
  )
}

interface TurnRowProps extends ThreadViewProps {
  turn: Turn
  isLast: boolean
  far: boolean
}

function TurnRow({ turn, isLast, far, anchored, editing, acts, onEdited }: TurnRowProps) {
  const { question, answer } = turn
  // The question starts at the top of the view: the room below shrinks as the answer grows.
  const room = isLast && anchored === 'last' ? 'min-h-[calc(100cqh-4rem)]' : ''
  return (
    <li className={`space-y-5 ${room} ${far && !isLast ? 'turn-far' : ''}`}>
      {question && editing === question.id ? (
        <QuestionEditor
          messageId={question.id}
          text={question.text}
          onSend={(text) => onEdited(question.id, text)}
          onCancel={() => acts.edit(null)}
        />
      ) : (
        question && <Question message={question} acts={acts} />
      )}
      {answer && <Answer key={answer.id} message={answer} acts={acts} />}
    </li>
  )
}
