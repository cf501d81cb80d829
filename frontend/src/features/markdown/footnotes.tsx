/** Footnotes: numbered marks in the text, their texts at the end, and the way there and back. */
import { useLingui } from '@lingui/react/macro'
import type { Token } from 'marked'
import { createContext, type MouseEvent, type ReactNode, useContext } from 'react'
import type { Block } from './blocks'
import type { FootnoteDef, MarkdownToken } from './grammar'

/** How the marks in a text are drawn. */
export interface FootnoteMarks {
  /** What the ids of this text's footnotes begin with. */
  prefix: string
  /** The numbers of those marks that have one: while texts may still come, every mark. */
  numbers: ReadonlyMap<string, number>
  /** The labels of those that have a text to go to. */
  noted: ReadonlySet<string>
}

/** The footnotes of one text. */
export interface Footnotes {
  marks: FootnoteMarks
  /** Their texts by label, in the order in which they are numbered. */
  notes: ReadonlyMap<string, FootnoteDef>
}

/** A text without footnotes. */
export const NO_FOOTNOTES: Footnotes = { marks: { prefix: '', numbers: new Map(), noted: new Set() }, notes: new Map() }

/** Gives the marks in the text their numbers without drawing the blocks around them again. */
export const FootnotesContext = createContext<FootnoteMarks>(NO_FOOTNOTES.marks)

function visit(tokens: readonly Token[], refs: Set<string>, defs: Map<string, FootnoteDef>): void {
  for (const token of tokens as readonly MarkdownToken[]) {
    if (token.type === 'footnoteRef') refs.add(token.label)
    if (token.type === 'footnoteDef' && !defs.has(token.label)) defs.set(token.label, token)
    if (token.type === 'list') for (const item of token.items) visit(item.tokens, refs, defs)
    if (token.type === 'table') for (const cell of [token.header, ...token.rows].flat()) visit(cell.tokens, refs, defs)
    if ('tokens' in token && token.tokens) visit(token.tokens, refs, defs)
  }
}

function sameKeys(a: { size: number; keys(): Iterable<string> }, b: { size: number; keys(): Iterable<string> }): boolean {
  const others = [...b.keys()]
  return a.size === b.size && [...a.keys()].every((key, i) => key === others[i])
}

/**
 * Finds the footnotes of a text. They are numbered in the order in which the text mentions them. The
 * marks found before are kept where nothing changed, for each new ones make React look at every block.
 */
export function findFootnotes(blocks: readonly Block[], prefix: string, done: boolean, before: Footnotes): Footnotes {
  const refs = new Set<string>()
  const defs = new Map<string, FootnoteDef>()
  for (const block of blocks) if (block.raw.includes('[^')) visit([block.token as Token], refs, defs)
  const numbers = new Map<string, number>()
  const notes = new Map<string, FootnoteDef>()
  for (const label of new Set([...refs, ...defs.keys()])) {
    const note = defs.get(label)
    if (note) notes.set(label, note)
    if (note || !done) numbers.set(label, numbers.size + 1)
  }
  const same = sameKeys(numbers, before.marks.numbers) && sameKeys(notes, before.marks.noted)
  return { marks: same ? before.marks : { prefix, numbers, noted: new Set(notes.keys()) }, notes }
}

// Not by the address bar: the page's own address must not change.
function goTo(event: MouseEvent<HTMLAnchorElement>): void {
  event.preventDefault()
  const target = document.getElementById(event.currentTarget.hash.slice(1))
  target?.scrollIntoView({ block: 'center' })
  target?.focus({ preventScroll: true })
}

/** A footnote's mark in the text. Without a text to go to it stays as it was written. */
export function FootnoteMark({ label, raw }: { label: string; raw: string }) {
  const { t } = useLingui()
  const { prefix, noted, numbers } = useContext(FootnotesContext)
  const number = numbers.get(label)
  if (number === undefined) return raw
  if (!noted.has(label)) return <sup className="md-noteref">{number}</sup>
  return (
    <sup className="md-noteref">
      <a id={`${prefix}ref-${number}`} href={`#${prefix}note-${number}`} aria-label={t`Footnote ${number}`} onClick={goTo}>
        {number}
      </a>
    </sup>
  )
}

/** The texts of all footnotes. */
export function FootnoteList({ footnotes, draw }: { footnotes: Footnotes; draw: (note: FootnoteDef) => ReactNode }) {
  const { t } = useLingui()
  const { notes, marks } = footnotes
  const { prefix, numbers } = marks
  if (notes.size === 0) return null
  return (
    <section className="md-notes" aria-label={t`Footnotes`}>
      <ol>
        {[...notes].map(([label, note]) => (
          <li key={label} id={`${prefix}note-${numbers.get(label)}`} tabIndex={-1} dir="auto">
            {draw(note)}
            <a className="md-note-back" href={`#${prefix}ref-${numbers.get(label)}`} aria-label={t`Back to the text`} onClick={goTo}>
              ↩
            </a>
          </li>
        ))}
      </ol>
    </section>
  )
}
