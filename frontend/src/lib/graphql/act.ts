import type { CombinedError, OperationResult, TypedDocumentNode } from '@urql/core'
import { useCallback } from 'react'
import { useClient } from 'urql'
import { type FragmentType, unmask } from '@/gql/fragment-masking'
import { type ErrorCode, RefusalFragmentDoc } from '@/gql/graphql'
import { errorText } from '../error-text'
import { ask, isQuestion } from '../questions'
import { showToast } from '../toasts'

/** Why an act was refused, in words for the person and facts for the code. */
export interface Refusal {
  code: ErrorCode
  /** The server's English words. */
  message: string
  field: readonly string[]
  retryAfterMs: number | null
  /** Credits that must be there to begin, and credits that are; null unless there are too few. */
  needed?: string | null
  available?: string | null
}

/** How an act ended: done, refused, or nobody knows because the line broke. */
export type Outcome<Payload> =
  | { kind: 'done'; payload: Payload }
  | { kind: 'refused'; refusals: readonly [Refusal, ...Refusal[]] }
  | { kind: 'unreachable' }

interface Refusable {
  userErrors: readonly FragmentType<typeof RefusalFragmentDoc>[]
}

function fromPayload(masked: FragmentType<typeof RefusalFragmentDoc>): Refusal {
  const error = unmask(RefusalFragmentDoc, masked)
  return {
    code: error.code,
    message: error.message,
    field: error.field ?? [],
    retryAfterMs: error.__typename === 'RateLimitError' ? error.retryAfterMs : null,
    ...(error.__typename === 'InsufficientCreditsError' ? { needed: error.needed, available: error.available } : {}),
  }
}

function fromError(error: CombinedError): Refusal[] {
  return error.graphQLErrors.map(({ message, extensions }) => ({
    code: (extensions.code as ErrorCode | undefined) ?? 'INTERNAL',
    message,
    field: [],
    retryAfterMs: typeof extensions.retryAfterMs === 'number' ? extensions.retryAfterMs : null,
  }))
}

/** Splits a mutation's result so that neither its errors nor its refusals can be overlooked. */
export function outcomeOf<Data, Payload extends Refusable>(
  result: Pick<OperationResult<Data>, 'data' | 'error'>,
  payloadOf: (data: Data) => Payload,
): Outcome<Payload> {
  const payload = result.data ? payloadOf(result.data) : null
  const [first, ...others] = [...(payload?.userErrors.map(fromPayload) ?? []), ...(result.error ? fromError(result.error) : [])]
  if (first) return { kind: 'refused', refusals: [first, ...others] }
  return payload ? { kind: 'done', payload } : { kind: 'unreachable' }
}

/** Runs mutations. The caller gets every outcome and decides what to show. */
export function useMutationAct<Data, Variables extends Record<string, unknown>, Payload extends Refusable>(
  document: TypedDocumentNode<Data, Variables>,
  payloadOf: (data: Data) => Payload,
): (variables: Variables) => Promise<Outcome<Payload>> {
  const client = useClient()
  return useCallback(
    async (variables) => outcomeOf(await client.mutation(document, variables).toPromise(), payloadOf),
    // payloadOf picks a field: the document says which.
    // oxlint-disable-next-line react/exhaustive-deps
    [client, document],
  )
}

const nothing = () => {}

/**
 * Shows why an act wasn't done, for acts that have no place of their own for it. What a
 * person can answer is asked; the act can be repeated then.
 */
export function toastOutcome(outcome: Outcome<unknown>): void {
  if (outcome.kind === 'done') return
  if (outcome.kind === 'refused' && isQuestion(outcome.refusals[0].code)) {
    const { code, message } = outcome.refusals[0]
    ask({ code, message, place: 'COMPOSER', passed: nothing, closed: nothing })
    return
  }
  const text = outcome.kind === 'refused' ? errorText(outcome.refusals[0]) : errorText({ code: 'UNREACHABLE' })
  showToast({ text, tone: 'danger' })
}
