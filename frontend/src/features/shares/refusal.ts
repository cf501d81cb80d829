import { t } from '@lingui/core/macro'
import { errorText } from '@/lib/error-text'
import type { Outcome } from '@/lib/graphql/act'

/** Why something about a link was refused; null when it was done. */
export function refusalText(outcome: Outcome<unknown>): string | null {
  if (outcome.kind === 'done') return null
  if (outcome.kind === 'unreachable') return errorText({ code: 'UNREACHABLE' })
  const [refusal] = outcome.refusals
  if (refusal.code === 'GONE') return t`This link no longer opens.`
  if (refusal.code === 'SHARING_OFF') return t`Whoever runs this installation doesn’t allow conversations to be shared by link.`
  if (refusal.code === 'CONFLICT') return t`An answer is still being written here. Wait for it, or stop it, and share then.`
  return errorText(refusal)
}
