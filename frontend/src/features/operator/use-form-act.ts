import type { TypedDocumentNode } from '@urql/core'
import { useState } from 'react'
import { sortRefusals, wantsProof } from '@/components/page/refusal-words'
import type { FragmentType } from '@/gql/fragment-masking'
import type { RefusalFragmentDoc } from '@/gql/graphql'
import { type Outcome, useMutationAct } from '@/lib/graphql/act'

interface Refusable {
  userErrors: readonly FragmentType<typeof RefusalFragmentDoc>[]
}

interface FormAct<Field extends string, Variables> {
  step: 'typing' | 'sending' | 'proving'
  faults: { byField: Partial<Record<Field, string>>; whole: string | null }
  /** Sends it; true once it is done. */
  send(variables: Variables): Promise<boolean>
  cancelProof(): void
}

/** A form's act that may need a fresh proof of who is asking. */
export function useFormAct<Data, Variables extends Record<string, unknown>, Field extends string>(
  document: TypedDocumentNode<Data, Variables>,
  payloadOf: (data: Data) => Refusable,
  fields: readonly Field[],
): FormAct<Field, Variables> {
  const run = useMutationAct(document, payloadOf)
  const [step, setStep] = useState<FormAct<Field, Variables>['step']>('typing')
  const [faults, setFaults] = useState<FormAct<Field, Variables>['faults']>({ byField: {}, whole: null })
  const send = async (variables: Variables) => {
    setStep('sending')
    const outcome: Outcome<unknown> = await run(variables)
    const proof = wantsProof(outcome)
    setStep(proof ? 'proving' : 'typing')
    setFaults(proof ? { byField: {}, whole: null } : sortRefusals(outcome, fields))
    return outcome.kind === 'done'
  }
  return { step, faults, send, cancelProof: () => setStep('typing') }
}
