import { Trans, useLingui } from '@lingui/react/macro'
import { ArrowDown } from 'lucide-react'
import { type KeyboardEvent, type Ref, type RefObject, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef } from 'react'
import type { MessagePartsFragment } from '@/gql/graphql'
import { isTyping } from '@/lib/typing'
import { Answer, type MessageActs } from './answer'
import { keepPlace } from './keep-place'
import type { Outgoing } from './outbox'
import { OutgoingMessage } from './outgoing-message'
import { Question } from './question'
import { QuestionEditor } from './question-editor'
import { before, type Turn, turnsOf } from './turns'
import { useFollow } from './use-follow'

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

interface ThreadViewProps {
  ref?: Ref<ThreadHandle>
  messages: readonly MessagePartsFragment[]
  outgoing: readonly Outgoing[]
  /** The message that is being written anew. */
  editing: string | null
  /** Whether the last turn was begun here: then it starts at the top of the view. */
  anchored: 'last' | 'none'
  hasOlder: boolean
  loadOlder(): Promise<void>
  acts: MessageActs
  onEdited(messageId: string, text: string): void
  onReturn(message: Outgoing): void
}

function messageElement(view: HTMLElement | null, id: string): HTMLElement | null {
  return view?.querySelector<HTMLElement>(`[data-message="${CSS.escape(id)}"]`) ?? null
}

/** A branch as a scrolled thread. J and K go from message to message. */
export function ThreadView(props: ThreadViewProps) {
  const { ref, messages, outgoing, hasOlder, loadOlder } = props
  const { t } = useLingui()
  const view = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const { pill, toEnd, release } = useFollow(view, content)

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

  useLayoutEffect(() => {
    if (outgoing.length > 0) toEnd()
  }, [outgoing.length, toEnd])

  const top = useOlder(view, content, hasOlder, loadOlder, messages[0]?.id)

  return (
    <div className="relative min-h-0 flex-1">
      {/* A scrolled region has to be reachable for the keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex, jsx-a11y/no-noninteractive-element-interactions */}
      <div
        ref={view}
        role="log"
        aria-live="off"
        aria-label={t`Messages`}
        aria-busy={busy}
        tabIndex={0}
        onKeyDown={moveBetweenMessages}
        className="@container-[size] h-full overflow-y-auto overscroll-contain outline-offset-[-2px]"
      >
        <div ref={content} className="mx-auto w-full max-w-180 px-5 pt-4 pb-8">
          <div ref={top}>{hasOlder && <p className="pb-4 text-center text-sm text-ink-3">{t`Loading earlier messages…`}</p>}</div>
          <ol className="space-y-8">
            {turns.map((turn, index) => (
              <TurnRow key={turn.key} {...props} turn={turn} isLast={index === turns.length - 1 && outgoing.length === 0} far={turns.length > manyTurns} />
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

/** Loads earlier messages when their place comes near, and keeps what is on show where it is. */
function useOlder(
  view: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
  hasOlder: boolean,
  loadOlder: () => Promise<void>,
  oldestId: string | undefined,
) {
  const restore = useRef<(() => void) | null>(null)
  const load = useRef(loadOlder)
  useEffect(() => {
    load.current = loadOlder
  })
  useLayoutEffect(() => {
    restore.current?.()
    restore.current = null
    view.current?.style.removeProperty('overflow-anchor')
  }, [oldestId, view])

  return useCallback(
    (top: HTMLDivElement | null) => {
      const node = view.current
      if (!top || !hasOlder || !node) return
      const remember = () => {
        const oldest = content.current?.querySelector('article')
        if (oldest) restore.current = keepPlace(node, oldest)
      }
      const near = new IntersectionObserver(
        ([entry]) => {
          if (!entry?.isIntersecting) return
          // The browser's own anchoring would be added to ours.
          node.style.setProperty('overflow-anchor', 'none')
          remember()
          node.addEventListener('scroll', remember, { passive: true })
          void load.current()
        },
        { root: node, rootMargin: '800px 0px 0px 0px' },
      )
      near.observe(top)
      return () => {
        near.disconnect()
        node.removeEventListener('scroll', remember)
      }
    },
    // A new oldest message looks again whether there is room for more.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
    [hasOlder, oldestId, view, content],
  )
}

function moveBetweenMessages(event: KeyboardEvent<HTMLElement>): void {
  const step = { j: 1, k: -1 }[event.key]
  if (step === undefined || isTyping(event.target) || event.metaKey || event.ctrlKey || event.altKey) return
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>('article[data-message]')]
  const at = all.findIndex((element) => element.contains(document.activeElement))
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step]
  if (!next) return
  event.preventDefault()
  next.focus({ preventScroll: true })
  next.scrollIntoView({ block: 'nearest' })
}
