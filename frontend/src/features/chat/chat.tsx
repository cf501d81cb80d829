import { type ReactNode, type RefObject, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { MessagePartsFragment } from '@/gql/graphql'
import { draftOf, putBack } from '@/lib/drafts'
import type { Refusal } from '@/lib/graphql/act'
import { lazyPart } from '@/components/ui/lazy-part'
import { useServiceInfo } from '@/lib/service-info'
import { useStore } from '@/lib/store'
import { chosenModel } from '@/lib/ui-state'
import type { MessageActs } from './answer'
import { ChatBody } from './chat-body'
import { Composer } from './composer'
import { modelInUse } from './model-in-use'
import { preloadProse } from './prose'
import { dequeue, enqueue, type Outgoing, outbox, outgoingOf, placeOf } from './outbox'
import { isOver } from './reduce-reply'
import { onSettled } from './sender'
import type { ThreadHandle } from './thread-view'
import { useBranchActs } from './use-branch-acts'
import { useEscape } from './use-escape'
import { useJump } from './use-jump'
import { noteBegun, type Thread, useThread } from './use-thread'
import { Greeting, Suggestions } from './welcome'

const BranchGauge = lazyPart(() => import('./cost/branch-gauge').then((part) => part.BranchGauge), 'near', 'nothing')

interface ChatProps {
  /** Null for a chat that isn't begun. */
  conversationId: string | null
  /** A message to bring on show. */
  jumpTo: string | null
  onJumped(): void
  /** Called when the first message of a new chat is stored. */
  onStarted(conversationId: string): void
  /** What stands below the composer. */
  foot: ReactNode
  head(thread: Thread): ReactNode
}

/** A chat: new or begun, the same component, so that the first answer keeps streaming. */
export function Chat({ conversationId, jumpTo, onJumped, onStarted, foot, head }: ChatProps) {
  const thread = useThread(conversationId)
  const models = useServiceInfo()?.models ?? []
  const view = useRef<ThreadHandle>(null)
  const composer = useRef<HTMLTextAreaElement>(null)
  const draft = draftOf(conversationId ?? 'new')
  const outgoing = useOutgoing(conversationId, thread.messages)
  const [editing, setEditing] = useEditing(conversationId)
  const [anchoredIn, setAnchoredIn] = useState<string | null>(null)
  const [begunId, setBegunId] = useState<string | null>(null)
  const { refusal, forget } = useSettled(conversationId, setEditing, (id) => {
    setAnchoredIn(id)
    setBegunId(id)
    onStarted(id)
  })
  const { acts, stop, showBranch } = useActs(conversationId, view, setEditing, setAnchoredIn)
  useJump(jumpTo, thread, view, showBranch, onJumped)

  const last = thread.messages.at(-1)
  const active = last && !isOver(last.status) ? last : null
  const onStop = active ? () => void stop(active.id) : null
  useEscape(onStop, composer)

  useEffect(preloadProse, [])
  useEffect(() => {
    if (matchMedia('(pointer: fine)').matches) composer.current?.focus()
  }, [conversationId])

  const send = (text: string, editOf: string | null) => {
    forget()
    setEditing(null)
    setAnchoredIn(conversationId)
    const model = modelInUse(models, chosenModel.get(), modelOf(thread.messages))
    enqueue({ conversationId, editOf, text, modelId: model?.id ?? chosenModel.get() })
  }
  const editLast = () => {
    const mine = thread.messages.findLast((message) => message.role === 'USER')
    if (mine) setEditing(mine.id)
  }
  const pick = (text: string) => {
    draft.set(text)
    composer.current?.focus()
  }
  const giveBack = (message: Outgoing) => {
    if (message.editOf) setEditing(message.editOf)
    putBack(placeOf(message), message.text)
  }

  const home = conversationId === null && outgoing.length === 0
  const missing = thread.state === 'missing'
  return (
    <div className="flex h-full min-h-0 flex-col">
      {head(thread)}
      {home ? (
        <div key="body" className="flex flex-1 flex-col justify-end px-5 pb-8">
          <Greeting />
        </div>
      ) : (
        <ChatBody
          // Another conversation is scrolled anew; a new chat stays as it is when it gets its name.
          key={conversationId === begunId ? 'begun' : (conversationId ?? 'begun')}
          ref={view}
          thread={thread}
          outgoing={outgoing}
          editing={editing}
          anchored={anchoredIn === conversationId ? 'last' : 'none'}
          acts={acts}
          onEdited={(messageId, text) => send(text, messageId)}
          onReturn={giveBack}
        />
      )}
      {!missing && (
        <div key="composer" className="mx-auto w-full max-w-184 px-3 pb-[env(safe-area-inset-bottom)]">
          <Composer
            ref={composer}
            draft={draft}
            refusal={refusal}
            modelId={modelOf(thread.messages)}
            gauge={conversationId && <Gauge conversationId={conversationId} thread={thread} />}
            onStop={onStop}
            sending={outgoing.some((message) => message.state.phase !== 'sent')}
            onSend={(text) => send(text, null)}
            onEditLast={editLast}
          />
          {foot}
        </div>
      )}
      {home && (
        <div key="foot" className="flex-[1.4] px-5">
          <Suggestions onPick={pick} />
        </div>
      )}
    </div>
  )
}

/** How full the context is, once an answer has come. */
function Gauge({ conversationId, thread: { messages, hasOlder } }: { conversationId: string; thread: Thread }) {
  if (!messages.some(({ usage }) => usage !== null)) return null
  return (
    <Suspense fallback={null}>
      <BranchGauge conversationId={conversationId} messages={messages} hasOlder={hasOlder} modelId={modelOf(messages)} />
    </Suspense>
  )
}

/** The message that is being written anew; another conversation has another one. */
function useEditing(conversationId: string | null): [string | null, (id: string | null) => void] {
  const [editing, setEditing] = useState<{ place: string | null; id: string | null }>({ place: null, id: null })
  const set = useCallback((id: string | null) => setEditing({ place: conversationId, id }), [conversationId])
  return [editing.place === conversationId ? editing.id : null, set]
}

/** What isn't stored yet; a stand-in goes as soon as its stored message is on show. */
function useOutgoing(conversationId: string | null, messages: readonly MessagePartsFragment[]): Outgoing[] {
  const all = useStore(outbox)
  const stored = useMemo(() => new Set(messages.map((message) => message.id)), [messages])
  useEffect(() => {
    for (const { clientId, state } of all) if (state.phase === 'sent' && stored.has(state.messageId)) dequeue(clientId)
  }, [all, stored])
  return outgoingOf(all, conversationId, stored)
}

function modelOf(messages: readonly MessagePartsFragment[]): string | null {
  return messages.findLast((message) => message.model !== null)?.model?.id ?? null
}

/** What becomes of messages that left the outbox while this chat is on show. */
function useSettled(
  conversationId: string | null,
  setEditing: (id: string | null) => void,
  onBegun: (id: string) => void,
): { refusal: Refusal | null; forget(): void } {
  const [refused, setRefused] = useState<{ place: string | null; refusal: Refusal } | null>(null)
  const begun = useRef(onBegun)
  useEffect(() => {
    begun.current = onBegun
  })
  useEffect(
    () =>
      onSettled((settled) => {
        const { message } = settled
        if (settled.kind === 'returned') {
          if (message.conversationId === conversationId) setEditing(message.editOf)
          setRefused(settled.refusal && { place: message.conversationId, refusal: settled.refusal })
          return
        }
        if (message.conversationId !== null) return
        noteBegun(settled.conversationId)
        if (conversationId === null) begun.current(settled.conversationId)
      }),
    [conversationId, setEditing],
  )
  const forget = useCallback(() => setRefused(null), [])
  return { refusal: refused?.place === conversationId ? refused.refusal : null, forget }
}

/** The acts of the messages on show. */
function useActs(
  conversationId: string | null,
  view: RefObject<ThreadHandle | null>,
  setEditing: (id: string | null) => void,
  setAnchoredIn: (id: string | null) => void,
) {
  const { regenerate, goOn, stop, show } = useBranchActs()
  const showBranch = useCallback(
    async (messageId: string) => {
      if (conversationId) await show(conversationId, messageId)
    },
    [conversationId, show],
  )
  const acts = useMemo<MessageActs>(() => {
    const begin = async (act: Promise<void>) => {
      setAnchoredIn(conversationId)
      await act
      view.current?.toEnd()
    }
    return {
      show: (id) => void view.current?.switchTo(id, () => showBranch(id)),
      regenerate: (replyId, modelId) => void begin(regenerate(replyId, modelId)),
      goOn: (replyId) => void begin(goOn(replyId)),
      edit: setEditing,
    }
  }, [conversationId, view, setEditing, setAnchoredIn, regenerate, goOn, showBranch])
  return { acts, stop, showBranch }
}
