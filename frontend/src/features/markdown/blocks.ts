/**
 * Reads a growing text block by block. A block that cannot change any more is lexed once and then kept;
 * only the text after it is looked at again when more arrives.
 */
import { type Links, lex, type MarkdownToken, noLinks, outline } from './grammar'
import { mend, withoutPartialFence } from './mend'

/** One block of the text. The same object is answered again for as long as nothing about it changes. */
export interface Block {
  /** Its place in the text, counted from 0. */
  key: number
  raw: string
  token: MarkdownToken
  /** Whether more text may still become part of it. */
  open: boolean
  /** Changes when the same text came to mean something else, because a link was defined below it. */
  revision: number
}

/** Answers the blocks of the text so far. Call it with the whole text; `done` says that no more follows. */
export type BlockReader = (text: string, done: boolean) => readonly Block[]

/** A code block at the left edge that has been opened and not closed. */
interface OpenCode {
  start: number
  fence: string
  language: string
  body: number
  /** How far the search for the closing fence has come. */
  searched: number
}

const FENCE_OPENING = /^(`{3,}(?=[^`\n]*\n)|~{3,})([^\n]*)\n/

function openCodeAt(text: string, start: number): OpenCode | null {
  const found = FENCE_OPENING.exec(text.slice(start, start + 200))
  if (!found?.[1]) return null
  const body = start + found[0].length
  return { start, fence: found[1], language: (found[2] ?? '').trim(), body, searched: body - 1 }
}

/** Whether the code block is still open, looking only at what was added. Errs on the side of closed. */
function staysOpen(code: OpenCode, text: string): boolean {
  const added = text.slice(code.searched)
  if (new RegExp(`\\n {0,3}${code.fence}`).test(added)) return false
  code.searched = Math.max(code.body - 1, text.lastIndexOf('\n'))
  return true
}

function codeToken(code: OpenCode, text: string): MarkdownToken {
  const body = withoutPartialFence(text.slice(code.body - 1), code.fence).slice(1)
  return { type: 'code', raw: text.slice(code.start), lang: code.language, text: `${body.replace(/\n$/, '')}\n` }
}

function isContent(token: MarkdownToken): boolean {
  return token.type !== 'space'
}

function draw(tokens: readonly MarkdownToken[], firstKey: number, open: boolean, revision = 0): Block[] {
  const content = tokens.filter(isContent)
  return content.map((token, i) => ({
    key: firstKey + i,
    raw: token.raw,
    token,
    open: open && i === content.length - 1,
    revision,
  }))
}

/**
 * Answers how much of the text is made of settled blocks. A block is settled when another follows whose
 * first line is complete: until then `2` may become the list item `2. two`.
 */
function settledLength(text: string, tokens: readonly MarkdownToken[]): number {
  const starts: number[] = []
  let at = 0
  for (const token of tokens) {
    if (isContent(token)) starts.push(at)
    at += token.raw.length
  }
  const last = starts.at(-1) ?? 0
  return text.indexOf('\n', last) >= 0 ? last : (starts.at(-2) ?? 0)
}

/**
 * Keeps the objects of those blocks that are what they were, so that their views need not be drawn again.
 * What stands in brackets may be a link, and its address may have come to be known since.
 */
function reuse(blocks: Block[], before: readonly Block[]): Block[] {
  return blocks.map((block) => {
    const old = before[block.key]
    const same = old?.raw === block.raw && old.open === block.open && old.token.type === block.token.type
    return same && !block.raw.includes('[') ? old : block
  })
}

/** Answers a reader for one text. It begins anew when it is handed a text that does not continue the last one. */
export function blockReader(): BlockReader {
  let settled: Block[] = []
  let settledText = ''
  let shown: readonly Block[] = []
  let links: Links = noLinks()
  let code: OpenCode | null = null

  const restart = () => {
    settled = []
    settledText = ''
    links = noLinks()
    code = null
  }

  const settle = (text: string, length: number) => {
    const added = lex(text.slice(0, length), links)
    settled = settled.concat(reuse(draw(added, settled.length, false), shown))
  }

  const readTail = (text: string): Block[] => {
    const start = settledText.length
    if (code && staysOpen(code, text)) return draw([codeToken(code, text)], settled.length, true)
    code = null
    const tail = text.slice(start)
    const length = settledLength(tail, outline(tail))
    if (length > 0) {
      settle(tail, length)
      settledText = text.slice(0, start + length)
    }
    const rest = tail.slice(length)
    const opened = openCodeAt(text, settledText.length)
    if (opened && staysOpen(opened, text)) {
      code = opened
      return draw([codeToken(opened, text)], settled.length, true)
    }
    return draw(lex(mend(rest), Object.assign(noLinks(), links), true), settled.length, true)
  }

  const readGrowing = (text: string): readonly Block[] => {
    const tail = readTail(text)
    return settled.concat(reuse(tail, shown))
  }

  // A definition may stand below the first text that uses it, so where there are any, all is read again.
  const readAll = (text: string): readonly Block[] => {
    const all = Object.assign(noLinks(), links)
    const end = lex(text.slice(settledText.length), all)
    const late = settled.length > 0 && Object.keys(all).length > 0
    return late
      ? reuse(draw(lex(text, all), 0, false, 1), shown)
      : settled.concat(reuse(draw(end, settled.length, false), shown))
  }

  let previous = ''
  let finished = false

  return (raw, done) => {
    const text = raw.includes('\r') ? raw.replace(/\r\n?/g, '\n') : raw
    if (text === previous && done === finished) return shown
    if (!text.startsWith(previous)) {
      restart()
      shown = []
    }
    shown = done ? readAll(text) : readGrowing(text)
    if (done) restart()
    previous = text
    finished = done
    return shown
  }
}
