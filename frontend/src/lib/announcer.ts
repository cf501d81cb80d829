import { createStore } from './store'

/** What a screen reader is told politely; see StatusRegion. */
export const announcement = createStore('')

/** Says something once. */
export function announce(text: string): void {
  // A change is what is read: a no-break space makes the same sentence a change.
  announcement.update((now) => (now === text ? `${text}\u00a0` : text))
}

// A full stop may still become 3.14: only what follows shows that it ends a sentence.
const sentenceEnd = /[.!?…](?=\s)|[。！？]|\n\n/g

/**
 * The complete sentences of `text` after position `from`, without Markdown's marks, and
 * the position after them. Nothing complete gives an empty text.
 */
export function nextSentences(text: string, from: number): { text: string; to: number } {
  let to = from
  for (const match of text.slice(from).matchAll(sentenceEnd)) to = from + match.index + match[0].length
  return { text: plain(text.slice(from, to)), to }
}

function plain(markdown: string): string {
  return markdown
    .replace(/```[^\n]*\n?/g, ' ')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s*(#{1,6}|>|[-*+]|\d+\.)\s+/gm, '')
    .replace(/[*_`~|]+/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}
