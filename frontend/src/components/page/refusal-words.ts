import { t } from '@lingui/core/macro'
import { errorText } from '@/lib/error-text'
import type { Outcome } from '@/lib/graphql/act'

/** Whether the server wants to be shown again who is asking. */
export function wantsProof(outcome: Outcome<unknown>): boolean {
  return outcome.kind === 'refused' && outcome.refusals.some(({ code }) => code === 'REAUTHENTICATION_REQUIRED')
}

/** Sorts what was refused: what belongs to one of the fields, and what belongs to the whole form. */
export function sortRefusals<Field extends string>(
  outcome: Outcome<unknown>,
  fields: readonly Field[],
): { byField: Partial<Record<Field, string>>; whole: string | null } {
  if (outcome.kind === 'done') return { byField: {}, whole: null }
  if (outcome.kind === 'unreachable') return { byField: {}, whole: errorText({ code: 'UNREACHABLE' }) }
  const byField: Partial<Record<Field, string>> = {}
  let whole: string | null = null
  for (const refusal of outcome.refusals) {
    const field = fields.find((one) => refusal.field.at(-1) === one)
    if (field) byField[field] ??= errorText(refusal)
    else whole ??= errorText(refusal)
  }
  return { byField, whole }
}

/** Why somebody came back from a provider without what he went for; null when nothing went wrong. */
export function returnedText(code: string | null): string | null {
  if (code === null) return null
  if (code === 'linked_elsewhere') return t`That sign-in already belongs to another account. Unlink it there first.`
  if (code === 'denied') return t`The provider says that you didn’t agree. Nothing was changed.`
  if (code === 'reauthenticate') return t`Confirm first that it’s you, then try again.`
  if (code === 'email_unverified') return t`The provider hasn’t verified your e-mail address. Verify it there, then try again.`
  if (code === 'upstream') return t`The provider can’t be reached now. Try again later.`
  if (code === 'rate_limited') return errorText({ code: 'RATE_LIMITED' })
  return t`The sign-in didn’t work. Try again.`
}
