import { t } from '@lingui/core/macro'
import type { Client } from '@urql/core'
import { MessageEditDocument, MessageSendDocument, SentPartsFragmentDoc } from '@/gql/graphql'
import { unmask } from '@/gql/fragment-masking'
import { putBack } from '@/lib/drafts'
import { outcomeOf, type Refusal } from '@/lib/graphql/act'
import { send } from '@/lib/live/send'
import { ask, missing } from '@/lib/questions'
import { storageKeys } from '@/lib/storage-keys'
import { showToast } from '@/lib/toasts'
import { missedEvents } from '@/lib/ui-state'
import { acknowledge, afterTry, dequeue, dropSettledElsewhere, type Outgoing, outbox, placeOf, setSendState } from './outbox'

/** How a message left the outbox. */
export type Settled =
  | { kind: 'sent'; message: Outgoing; conversationId: string }
  | { kind: 'returned'; message: Outgoing; refusal: Refusal | null }

/** Milliseconds after which a sent message needs no stand-in any more. */
const showSentFor = 3_000

const listeners = new Set<(settled: Settled) => void>()

/** Calls `listen` whenever a message has left the outbox, until the returned function is called. */
export function onSettled(listen: (settled: Settled) => void): () => void {
  listeners.add(listen)
  return () => listeners.delete(listen)
}

function settle(settled: Settled): void {
  for (const listen of listeners) listen(settled)
}

/** Milliseconds until a try that nothing answers is given up, and what a long text gets on top per character: 8 kB/s. */
const answerWait = 30_000
const waitPerCharacter = 1 / 8

/** Why a try is given up when the network comes back: its connection may be of the network of before. */
const backOnline = new Error('the network is back')

async function runTry(client: Client, message: Outgoing, signal: AbortSignal) {
  const context = { fetch: (url: RequestInfo | URL, init?: RequestInit) => send(url, { ...init, signal }) }
  const { clientId, text, editOf } = message
  const modelId = message.modelId ?? undefined
  if (editOf) {
    const result = await client
      .mutation(MessageEditDocument, { input: { clientId, messageId: editOf, text, modelId } }, context)
      .toPromise()
    return outcomeOf(result, (data) => unmask(SentPartsFragmentDoc, data.messageEdit))
  }
  const conversationId = message.conversationId ?? undefined
  const result = await client
    .mutation(MessageSendDocument, { input: { clientId, conversationId, text, modelId } }, context)
    .toPromise()
  return outcomeOf(result, (data) => unmask(SentPartsFragmentDoc, data.messageSend))
}

/** The text goes back before it leaves the outbox, whichever page is open. */
function giveBack(message: Outgoing, refusal: Refusal | null): void {
  putBack(placeOf(message), message.text)
  dequeue(message.clientId)
  if (refusal && listeners.size === 0) {
    showToast({ text: t`Your message was not sent. Its text is back where you typed it.`, tone: 'danger' })
  }
  settle({ kind: 'returned', message, refusal })
}

/** Asks what stands between the held messages and the server: then they go, or come back. */
function askFor({ code, message }: Refusal): void {
  const forHeld = (act: (message: Outgoing) => void) => () => {
    for (const one of outbox.get()) if (one.state.phase === 'held') act(one)
  }
  ask({
    code,
    message,
    place: 'COMPOSER',
    passed: forHeld(({ clientId }) => setSendState(clientId, { phase: 'sending', tries: 0 })),
    closed: forHeld((one) => giveBack(one, null)),
  })
}

/** Milliseconds before it is looked again whether it is known who sends. */
const askAgainAfter = 1_000

/** Holds a message that would only be refused, or whose sender isn't known yet; false when it may be tried. */
function isHeldBack({ clientId, state }: Outgoing): boolean {
  const code = missing.get()
  if (code === null) return false
  if (code === 'unknown') {
    setSendState(clientId, { phase: 'waiting', tries: Math.max(1, state.tries), delayMs: askAgainAfter })
    return true
  }
  const refusal: Refusal = { code, message: '', field: [], retryAfterMs: null }
  setSendState(clientId, { phase: 'held', tries: 0, refusal })
  askFor(refusal)
  return true
}

async function tryOnce(client: Client, message: Outgoing, signal: AbortSignal): Promise<void> {
  const outcome = await runTry(client, message, signal)
  const step = afterTry(message.state, outcome)
  if (step.do === 'keep') {
    setSendState(message.clientId, step.state)
    if (step.state.phase === 'held') askFor(step.state.refusal)
    return
  }
  if (step.do === 'return') {
    giveBack(message, step.refusal)
    // Another tab was told: this one doesn't know it yet.
    if (step.refusal.code === 'AGE_REFUSED') missedEvents.update((count) => count + 1)
    return
  }
  const sent = outcome.kind === 'done' ? outcome.payload : null
  if (!sent?.conversation || !sent.message) {
    dequeue(message.clientId)
    return
  }
  acknowledge(message.clientId, sent.conversation.id, sent.message.id)
  settle({ kind: 'sent', message, conversationId: sent.conversation.id })
  setTimeout(() => dequeue(message.clientId), showSentFor)
}

/**
 * Sends what is in the outbox as soon as it is known who sends, again after pauses while the line is broken and at once
 * when it comes back; what nothing answers by then is given up, for the key keeps a message single. The returned function ends it.
 */
export function startSender(client: Client): () => void {
  const busy = new Map<string, AbortController>()
  const timers = new Map<string, ReturnType<typeof setTimeout>>()

  const resume = (clientId: string) => {
    clearTimeout(timers.get(clientId))
    timers.delete(clientId)
    const message = outbox.get().find((one) => one.clientId === clientId)
    if (message?.state.phase === 'waiting') setSendState(clientId, { phase: 'sending', tries: message.state.tries })
  }

  const goOn = ({ clientId, state }: Outgoing) => {
    // What nothing answered goes on by itself; what the server refused waits for the person.
    if (state.phase === 'failed' && state.refusal === null) setSendState(clientId, { phase: 'sending', tries: 0 })
    resume(clientId)
  }

  const begin = async (message: Outgoing) => {
    const { clientId, text } = message
    const abort = new AbortController()
    busy.set(clientId, abort)
    const timer = setTimeout(() => abort.abort(), answerWait + text.length * waitPerCharacter)
    await tryOnce(client, message, abort.signal)
    clearTimeout(timer)
    busy.delete(clientId)
    look()
    if (abort.signal.reason === backOnline)
      outbox
        .get()
        .filter((one) => one.clientId === clientId)
        .forEach(goOn)
  }

  const look = () => {
    for (const message of outbox.get()) {
      const { clientId, state } = message
      if (state.phase === 'sending' && !busy.has(clientId) && !isHeldBack(message)) {
        void begin(message)
      }
      if (state.phase === 'waiting' && !timers.has(clientId)) {
        timers.set(
          clientId,
          setTimeout(() => resume(clientId), state.delayMs),
        )
      }
    }
  }

  const resumeAll = () => {
    // A message may be set to wait again at once: its new timer isn't one of these.
    const waiting = new Set(timers.keys())
    waiting.forEach(resume)
  }
  const onOnline = () => {
    for (const abort of busy.values()) abort.abort(backOnline)
    outbox.get().forEach(goOn)
  }
  const onStorage = (event: StorageEvent) => {
    if (event.key === storageKeys.outbox) dropSettledElsewhere()
  }
  const ends = [outbox.subscribe(look), missing.subscribe(resumeAll), missing.subscribe(look)]
  window.addEventListener('online', onOnline)
  window.addEventListener('storage', onStorage)
  look()
  return () => {
    for (const end of ends) end()
    window.removeEventListener('online', onOnline)
    window.removeEventListener('storage', onStorage)
    for (const timer of timers.values()) clearTimeout(timer)
  }
}
