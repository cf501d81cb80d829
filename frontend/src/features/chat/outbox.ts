import type { ErrorCode } from '@/gql/graphql'
import type { Outcome, Refusal } from '@/lib/graphql/act'
import { isQuestion } from '@/lib/questions'
import { randomId } from '@/lib/random-id'
import { isRecord, readJson, storage } from '@/lib/storage'
import { storageKeys } from '@/lib/storage-keys'
import { createStore } from '@/lib/store'

/** A message on its way: kept here, and across reloads, until the server has acknowledged it. */
export interface Outgoing {
  /** The idempotency key: the same in every try, so that a message is never sent twice. */
  clientId: string
  /** Null starts a conversation. */
  conversationId: string | null
  /** The message of which this is another version; null for a new one. */
  editOf: string | null
  text: string
  modelId: string | null
  createdAt: number
  state: SendState
}

export type SendState =
  /** A try is under way. */
  | { phase: 'sending'; tries: number }
  /** The line broke, or the server says to come again; the next try comes by itself. */
  | { phase: 'waiting'; tries: number; delayMs: number; refusal?: Refusal | null }
  /** Waits for the answer to a question; then it goes on under the same key. */
  | { phase: 'held'; tries: number; refusal: Refusal }
  /** Waits for the person: the server said no, or nothing answered for long; that also ends when the line comes back. */
  | { phase: 'failed'; tries: number; refusal: Refusal | null }
  /** The server has it; it stays on show until the stored message takes its place. */
  | { phase: 'sent'; tries: number; conversationId: string; messageId: string }

/** Where a message was typed, as the drafts know it. */
export function placeOf({ editOf, conversationId }: Outgoing): string {
  return editOf ?? conversationId ?? 'new'
}

/** What is to be done after a try. */
export type SendStep =
  | { do: 'acknowledge' }
  | { do: 'keep'; state: SendState }
  /** The text goes back to where it was typed: it has to be changed before another try. */
  | { do: 'return'; refusal: Refusal }

/** Tries by itself before a person is asked. */
const patience = 6
/** The same where a limit says when to come again: another answer, which has to end first, takes minutes. */
const patienceWithLimits = 60
const longestDelay = 20_000

const needsChange: ReadonlySet<ErrorCode> = new Set([
  'INVALID',
  'GUEST_LIMIT_REACHED',
  'INSUFFICIENT_CREDITS',
  'AGE_REFUSED',
  'MODEL_UNAVAILABLE',
  'CONTEXT_TOO_LONG',
  'CONFLICT',
  'NOT_FOUND',
])
const passes: ReadonlySet<ErrorCode> = new Set(['SHUTTING_DOWN', 'STORAGE_UNAVAILABLE', 'RATE_LIMITED'])

function delay(tries: number): number {
  return Math.min(1000 * 2 ** (tries - 1), longestDelay)
}

/** The state machine of sending: what follows a try that ended so. */
export function afterTry(state: SendState, outcome: Outcome<unknown>): SendStep {
  const tries = state.tries + 1
  if (outcome.kind === 'done') return { do: 'acknowledge' }
  const refusal = outcome.kind === 'refused' ? outcome.refusals[0] : null
  if (refusal && needsChange.has(refusal.code)) return { do: 'return', refusal }
  if (refusal && isQuestion(refusal.code)) return { do: 'keep', state: { phase: 'held', tries: 0, refusal } }
  const mayPass = !refusal || passes.has(refusal.code)
  const most = refusal?.code === 'RATE_LIMITED' ? patienceWithLimits : patience
  if (!mayPass || tries >= most) return { do: 'keep', state: { phase: 'failed', tries, refusal } }
  const delayMs = refusal?.retryAfterMs ?? delay(tries)
  return { do: 'keep', state: { phase: 'waiting', tries, delayMs, refusal } }
}

function isOutgoing(value: unknown): value is Omit<Outgoing, 'state'> {
  return (
    isRecord(value) && typeof value.clientId === 'string' && typeof value.text === 'string' && typeof value.createdAt === 'number'
  )
}

/** Time for another tab that is just sending a message to say that it is done. */
const restoreDelay = 1_500

function readStored(): Omit<Outgoing, 'state'>[] {
  return (readJson(storageKeys.outbox, Array.isArray) ?? []).filter(isOutgoing)
}

/** A message that an earlier page left is tried again; its key keeps it single. */
function restore(): Outgoing[] {
  return readStored().map((one) => ({ ...one, state: { phase: 'waiting', tries: 0, delayMs: restoreDelay } }))
}

/** Changes what is stored, which other tabs share. */
function changeStored(change: (stored: Omit<Outgoing, 'state'>[]) => Omit<Outgoing, 'state'>[]): void {
  const kept = change(readStored())
  if (kept.length === 0) storage.remove(storageKeys.outbox)
  else storage.write(storageKeys.outbox, JSON.stringify(kept))
}

/** Everything on its way from this page, oldest first. */
export const outbox = createStore<readonly Outgoing[]>(restore())

/** Puts a message into the outbox and returns it. */
export function enqueue(message: Pick<Outgoing, 'conversationId' | 'editOf' | 'text' | 'modelId'>): Outgoing {
  const kept = { ...message, clientId: randomId(), createdAt: Date.now() }
  const one: Outgoing = { ...kept, state: { phase: 'sending', tries: 0 } }
  changeStored((stored) => [...stored, kept])
  outbox.update((now) => [...now, one])
  return one
}

/** Changes how far a message is. */
export function setSendState(clientId: string, state: SendState): void {
  outbox.update((now) => now.map((one) => (one.clientId === clientId ? { ...one, state } : one)))
}

/** Notes that the server has a message. */
export function acknowledge(clientId: string, conversationId: string, messageId: string): void {
  changeStored((stored) => stored.filter((one) => one.clientId !== clientId))
  setSendState(clientId, { phase: 'sent', tries: 0, conversationId, messageId })
}

/** What is to be shown in a conversation (null: a chat not begun) beside its stored messages. */
export function outgoingOf(all: readonly Outgoing[], conversationId: string | null, stored: ReadonlySet<string>): Outgoing[] {
  return all.filter(({ conversationId: id, state }) => {
    if (state.phase !== 'sent') return id === conversationId
    return (id === conversationId || state.conversationId === conversationId) && !stored.has(state.messageId)
  })
}

/** Takes a message out: stored, returned or given up. */
export function dequeue(clientId: string): void {
  changeStored((stored) => stored.filter((one) => one.clientId !== clientId))
  outbox.update((now) => now.filter((one) => one.clientId !== clientId))
}

/** Forgets restored messages that another tab has meanwhile sent. */
export function dropSettledElsewhere(): void {
  const stored = new Set(readStored().map((one) => one.clientId))
  outbox.update((now) =>
    now.filter((one) => stored.has(one.clientId) || one.state.phase === 'sending' || one.state.phase === 'sent'),
  )
}
