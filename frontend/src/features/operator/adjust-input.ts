import { zeroCredits } from '@/lib/credits'
import { typedCredits } from '@/lib/typed-numbers'

/** What is given or taken, as it is typed. */
export interface AdjustFields {
  account: string
  direction: 'give' | 'take'
  amount: string
  reason: string
}

export type AdjustField = 'account' | 'amount' | 'reason'

/** What a reason may hold, in characters. */
export const maxReason = 500

/** What is given or taken, as the server writes it; null when it is no amount, or nothing. */
export function typedAmount(text: string): string | null {
  const amount = typedCredits(text)
  return amount === zeroCredits ? null : amount
}

/** Which fields can't be sent as they are. */
export function adjustFaults({ account, amount, reason }: AdjustFields): AdjustField[] {
  const faults: AdjustField[] = []
  if (account.trim() === '') faults.push('account')
  if (typedAmount(amount) === null) faults.push('amount')
  const length = Array.from(reason.trim()).length
  if (length === 0 || length > maxReason) faults.push('reason')
  return faults
}

/** What the server is asked to do; only for fields without faults. */
export function adjustInput(fields: AdjustFields, clientId: string) {
  const size = typedAmount(fields.amount) ?? '0'
  return {
    clientId,
    account: fields.account.trim(),
    amount: fields.direction === 'take' ? `-${size}` : size,
    reason: fields.reason.trim(),
  }
}
