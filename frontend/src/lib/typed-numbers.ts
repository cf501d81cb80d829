import { amountOf, microOf } from './credits'

/**
 * An amount of credits as people type it, with a decimal comma or spaces too, as the server writes it; null when it is
 * none. What may be a thousand or one, as 1,000, is none.
 */
export function typedCredits(text: string): string | null {
  const plain = text.trim().replaceAll(/[\s_]/g, '')
  const micro = microOf(/^\d+,\d{1,6}$/.test(plain) && !/^\d{1,3},\d{3}$/.test(plain) ? plain.replace(',', '.') : plain)
  return micro !== null && micro >= 0n ? amountOf(micro) : null
}

/** A whole number of at least 1 as people type it, with separators between groups of three; null for nothing, undefined for what is none. */
export function wholeNumber(text: string): number | null | undefined {
  const typed = text.trim()
  if (typed === '') return null
  if (!/^(\d+|\d{1,3}(?:([\s,.'’])\d{3})(?:\2\d{3})*)$/.test(typed)) return undefined
  const plain = typed.replaceAll(/\D/g, '')
  const value = Number(plain)
  return plain.length <= 10 && value >= 1 && value <= 1_000_000_000 ? value : undefined
}
