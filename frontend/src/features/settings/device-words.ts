import { t } from '@lingui/core/macro'

/** What is known of a device. */
export interface Device {
  deviceType: string
  os: string
  browser: string
  browserVersion: number
}

function typeWord(type: string): string {
  if (type === 'phone') return t`phone`
  if (type === 'tablet') return t`tablet`
  if (type === 'desktop') return t`desktop`
  return ''
}

/** A device in words, such as "Chrome 156 on Linux, desktop"; what isn't known is left out. */
export function deviceWords({ deviceType, os, browser, browserVersion }: Device): string {
  const program = [browser, browserVersion > 0 ? browserVersion : ''].filter(Boolean).join(' ')
  const where = program && os ? t`${program} on ${os}` : program || os
  const words = [where, typeWord(deviceType)].filter(Boolean).join(', ')
  return words || t`Unknown device`
}
