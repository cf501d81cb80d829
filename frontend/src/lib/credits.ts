import { i18n } from '@lingui/core'

/** Micro-credits in a credit. */
const microPerCredit = 1_000_000n

export const zeroCredits = '0'

/** An exact amount as the server writes it, for example "-1.5", in micro-credits; null when it is none. */
export function microOf(text: string): bigint | null {
  const [, sign, whole, fraction = ''] = /^(-?)(\d{1,13})(?:\.(\d{1,6}))?$/.exec(text) ?? []
  if (whole === undefined) return null
  const micro = BigInt(whole) * microPerCredit + BigInt(fraction.padEnd(6, '0'))
  return sign ? -micro : micro
}

/** Micro-credits as the server writes an amount. */
export function amountOf(micro: bigint): string {
  const size = micro < 0n ? -micro : micro
  const fraction = (size % microPerCredit).toString().padStart(6, '0').replace(/0+$/, '')
  return `${micro < 0n ? '-' : ''}${size / microPerCredit}${fraction && `.${fraction}`}`
}

/** The exact sum of amounts. */
export function sumOf(amounts: readonly string[]): string {
  return amountOf(amounts.reduce((sum, amount) => sum + (microOf(amount) ?? 0n), 0n))
}

function locale(): string {
  return i18n.locale === 'zh' ? 'zh-CN' : i18n.locale
}

/**
 * An amount to be read at a glance: two places, and where that would hide it, three
 * digits that count. It never shows nothing for something.
 */
export function creditsText(amount: string): string {
  const value = Number(amount)
  const small = value !== 0 && Math.abs(value) < 1
  const digits = small ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 2 }
  return new Intl.NumberFormat(locale(), digits).format(value)
}

/** An amount to its last digit, in the page's language. */
export function exactCredits(amount: string): string {
  const [whole = '0', fraction] = amount.replace('-', '').split('.')
  const grouped = new Intl.NumberFormat(locale()).format(BigInt(whole))
  return `${amount.startsWith('-') ? '−' : ''}${grouped}${fraction ? `.${fraction}` : ''}`
}

/** A number in the page's language. */
export function numberText(value: number): string {
  return new Intl.NumberFormat(locale()).format(value)
}

/** A large number in few characters, for example 12.4K. */
export function shortNumber(value: number): string {
  return new Intl.NumberFormat(locale(), { notation: 'compact', maximumFractionDigits: 1 }).format(value)
}
