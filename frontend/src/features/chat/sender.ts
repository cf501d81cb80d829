import type { Client } from '@urql/core'
import { MessageEditDocument, MessageSendDocument, SentPartsFragmentDoc } from '@/gql/graphql'
import { unmask } from '@/gql/fragment-masking'
import { outcomeOf, type Refusal } from '@/lib/graphql/act'
import { storageKeys } from '@/lib/storage-keys'
import { acknowledge, afterTry, dequeue, dropSettledElsewhere, type Outgoing, outbox, setSendState } from './outbox'

/** How a message left the outbox. */
export type Settled =
  | { kind: 'sent'; message: Outgoing; conversationId: string }
  | { kind: 'returned'; message: Outgoing; refusal: Refusal }

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

async function runTry(client: Client, message: Outgoing) {
  const { clientId, text, editOf } = message
  const modelId = message.modelId ?? undefined
  if (editOf) {
    const result = await client.mutation(MessageEditDocument, { input: { clientId, messageId: editOf, text, modelId } }).toPromise()
    return outcomeOf(result, (data) => unmask(SentPartsFragmentDoc, data.messageEdit))
  }
  const conversationId = message.conversationId ?? undefined
  const result = await client.mutation(MessageSendDocument, { input: { clientId, conversationId, text, modelId } }).toPromise()
  return outcomeOf(result, (data) => unmask(SentPartsFragmentDoc, data.messageSend))
}

async function tryOnce(client: Client, message: Outgoing): Promise<void> {
  const outcome = await runTry(client, message)
  const step = afterTry(message.state, outcome)
  if (step.do === 'keep') {
    setSendState(message.clientId, step.state)
    return
  }
  if (step.do === 'return') {
    dequeue(message.clientId)
    settle({ kind: 'returned', message, refusal: step.refusal })
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
 * Sends what is in the outbox, again after pauses while the line is broken and at once
 * when it comes back. The returned function ends it.
 */
export function startSender(client: Client): () => void {
  const busy = new Set<string>()
  const timers = new Map<string, ReturnType<typeof setTimeout>>()

  const resume = (clientId: string) => {
    clearTimeout(timers.get(clientId))
    timers.delete(clientId)
    const message = outbox.get().find((one) => one.clientId === clientId)
    if (message?.state.phase === 'waiting') setSendState(clientId, { phase: 'sending', tries: message.state.tries })
  }

  const look = () => {
    for (const message of outbox.get()) {
      const { clientId, state } = message
      if (state.phase === 'sending' && !busy.has(clientId)) {
        busy.add(clientId)
        void tryOnce(client, message).finally(() => {
          busy.delete(clientId)
          look()
        })
      }
      if (state.phase === 'waiting' && !timers.has(clientId)) {
        timers.set(
          clientId,
          setTimeout(() => resume(clientId), state.delayMs),
        )
      }
    }
  }

  const onOnline = () => {
    for (const clientId of timers.keys()) resume(clientId)
  }
  const onStorage = (event: StorageEvent) => {
    if (event.key === storageKeys.outbox) dropSettledElsewhere()
  }
  const unsubscribe = outbox.subscribe(look)
  window.addEventListener('online', onOnline)
  window.addEventListener('storage', onStorage)
  look()
  return () => {
    unsubscribe()
    window.removeEventListener('online', onOnline)
    window.removeEventListener('storage', onStorage)
    for (const timer of timers.values()) clearTimeout(timer)
  }
}
