import type { AcceptanceMethod, ErrorCode } from '@/gql/graphql'
import { createStore } from './store'
import { dialog } from './ui-state'

/** Something that has to be answered before an act can be done. */
export interface Question {
  /** What the act was, or would be, refused for. */
  code: ErrorCode
  /** The server's words, when it was asked. */
  message: string
  place: AcceptanceMethod
  /** Called once everything is answered: the act may be done now. */
  passed(): void
  /** Called when it was closed unanswered. */
  closed(): void
}

/** The question that is open; null when there is none. */
export const question = createStore<Question | null>(null)

const answerable: ReadonlySet<ErrorCode> = new Set(['AGE_CONFIRMATION_REQUIRED', 'POLICY_ACCEPTANCE_REQUIRED', 'CONSENT_REQUIRED'])

/** Whether a refusal ends with an answer of the person's, after which the same act is done. */
export function isQuestion(code: ErrorCode): boolean {
  return answerable.has(code)
}

/** Opens a question. One that is open already stays: it asks for all that is missing. */
export function ask(asked: Question): void {
  if (question.get()) return
  question.set(asked)
  dialog.set('question')
}

/** Closes the question that is open, answered or not. */
export function closeQuestion(how: 'passed' | 'closed'): void {
  const open = question.get()
  question.set(null)
  dialog.set(null)
  if (how === 'passed') missing.set(null)
  open?.[how]()
}

interface GateFacts {
  ageConfirmed: boolean
  ageRefused: boolean
  policyAccepted: boolean
}

/** What the server would refuse a first message for; null when nothing is missing. */
export function missingStep(gate: GateFacts): ErrorCode | null {
  if (gate.ageRefused) return null
  if (!gate.ageConfirmed) return 'AGE_CONFIRMATION_REQUIRED'
  return gate.policyAccepted ? null : 'POLICY_ACCEPTANCE_REQUIRED'
}

/**
 * What is missing before a message can be sent, so that it needn't be refused to be asked
 * for. Unknown until the server has said who is asking: nothing is sent before.
 */
export const missing = createStore<ErrorCode | null | 'unknown'>('unknown')
