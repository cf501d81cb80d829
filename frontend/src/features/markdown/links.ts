/** Which addresses in a text of unknown origin may become links. */
import { decodeEntities } from './entities'

const ALLOWED = new Set(['http:', 'https:', 'mailto:'])

function parse(address: string): URL | null {
  try {
    return new URL(decodeEntities(address).trim())
  } catch {
    return null
  }
}

/**
 * Answers the address in normal form when it is an absolute `http`, `https` or `mailto` address, else
 * nothing. Relative addresses are refused: what a model writes knows nothing about our own pages.
 */
export function safeHref(address: string): string | undefined {
  const url = parse(address)
  return url && ALLOWED.has(url.protocol) ? url.href : undefined
}

/** Answers the host that an address leads to, or nothing when there is none. */
export function hostOf(address: string): string {
  return parse(address)?.host ?? ''
}
