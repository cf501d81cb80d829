/** The most a message may hold: 1 MiB of UTF-8. */
export const maxBytes = 1 << 20

/** Bytes of a text in UTF-8; short texts aren't encoded for it. */
export function sizeOf(text: string): number {
  return text.length * 3 <= maxBytes ? text.length : new TextEncoder().encode(text).length
}

/** Whether a text shows anything: not only spaces, controls and invisible marks. */
export function isBlank(text: string): boolean {
  return !/[^\p{Z}\p{C}\s\u2800\u3164]/u.test(text)
}
