import { amountOf, microOf } from '@/lib/credits'

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

/** An amount as people type it, with a decimal comma or spaces too; null when it is none, or nothing. */
export function typedAmount(text: string): string | null {
  const plain = text.trim().replaceAll(/[\s_]/g, '')
  const micro = microOf(/^\d+,\d{1,6}$/.test(plain) && !/^\d{1,3},\d{3}$/.test(plain) ? plain.replace(',', '.') : plain)
  return micro !== null && micro > 0n ? amountOf(micro) : null
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
