/**
 * The markdown dialect of the app: GitHub's, with formulas and footnotes added and a few rules bent
 * towards what language models write. Lexing is pure: text in, tokens out.
 */
import { Lexer, Marked, type MarkedToken, type Token, Tokenizer, type Tokens } from 'marked'

/** A formula inside a line: `$…$`, `\(…\)`, or `$$…$$` and `\[…\]` amid text, which are `display`. */
export interface InlineMath {
  type: 'inlineMath'
  raw: string
  tex: string
  display: boolean
}

/** A formula that is a block of its own. While its closing mark has not arrived it is `open`. */
export interface BlockMath {
  type: 'blockMath'
  raw: string
  tex: string
  open: boolean
}

/** A mark in the text that points to the footnote of that label. */
export interface FootnoteRef {
  type: 'footnoteRef'
  raw: string
  label: string
}

/** The text of a footnote. It is not drawn where it stands but at the end. */
export interface FootnoteDef {
  type: 'footnoteDef'
  raw: string
  label: string
  tokens: Token[]
}

/** Every token that the lexer can produce. */
export type MarkdownToken = MarkedToken | InlineMath | BlockMath | FootnoteRef | FootnoteDef

/** Link definitions by label. */
export type Links = Lexer['tokens']['links']

/** The longest display formula, in characters; a longer text is no formula. */
const MAX_BLOCK_MATH = 4_000

/** The longest paragraph, in characters, that is looked into; a longer one is shown as it was written. */
const MAX_INLINE = 10_000

// marked calls extensions without a word about the caller, so lexing notes here whether more text may come.
let expectingMore = false

// Where a formula may interrupt a paragraph. An empty one, `$$` above `$$`, is none: lines of nothing else
// would each begin the paragraph anew.
const BLOCK_MATH_START = /(?<=\n) {0,3}(?:\$\$(?![ \t]*\n[ \t]*\$\$)|\\\[)/

function blockMath(src: string): BlockMath | undefined {
  const opening = /^ {0,3}(\$\$|\\\[)([ \t]*\n)?/.exec(src)
  if (!opening) return undefined
  const start = opening[0].length
  const end = src.indexOf(opening[1] === '$$' ? '$$' : '\\]', start)
  const body = src.slice(start, end < 0 ? undefined : end)
  const alone = opening[2] !== undefined
  if (body.length > MAX_BLOCK_MATH || (!alone && /\n[ \t]*\n/.test(body))) return undefined
  if (end < 0) {
    if (!expectingMore) return undefined
    return { type: 'blockMath', raw: src, tex: body.replace(/[$\\]$/, '').trim(), open: true }
  }
  const rest = /^[ \t]*(?:\n|$)/.exec(src.slice(end + 2))
  if (!rest || body.trim() === '') return undefined
  return { type: 'blockMath', raw: src.slice(0, end + 2) + rest[0], tex: body.trim(), open: false }
}

const INLINE_MATH =
  /^(?:\$\$([^$]+?)\$\$|\\\[([\s\S]+?)\\\]|\$(?![\s$])((?:\\.|[^$\\\n])+?)(?<!\s)\$(?![\d$])|\\\(([\s\S]+?)\\\))/

function inlineMath(src: string): InlineMath | undefined {
  const found = INLINE_MATH.exec(src)
  if (!found) return undefined
  const display = found[1] ?? found[2]
  const tex = (display ?? found[3] ?? found[4] ?? '').trim()
  if (tex === '' || /\n[ \t]*\n/.test(tex)) return undefined
  return { type: 'inlineMath', raw: found[0], tex, display: display !== undefined }
}

// Standard markdown leaves `**注意：**请看` alone, because a closing mark between a punctuation mark and a
// letter does not count as closing. Languages without spaces need it to.
const STRONG_AT_PUNCTUATION = /^\*\*(?=[^\s*])([^*\n]*[^\s*])\*\*(?!\*)/
const PUNCTUATION = /[\p{P}\p{S}]/u

function strongAtPunctuation(this: { lexer: Lexer }, src: string): Tokens.Strong | undefined {
  const found = STRONG_AT_PUNCTUATION.exec(src)
  const text = found?.[1]
  if (!found || text === undefined) return undefined
  const atPunctuation = PUNCTUATION.test(text[0] ?? '') || PUNCTUATION.test(text.at(-1) ?? '')
  if (!atPunctuation || text.split('`').length % 2 === 0) return undefined
  return { type: 'strong', raw: found[0], text, tokens: this.lexer.inlineTokens(text) }
}

// `20~25 度，30~40 度` strikes nothing out: only a pair of tildes does.
function singleTilde(src: string): Tokens.Text | undefined {
  return /^~(?!~)/.test(src) ? { type: 'text', raw: '~', text: '~' } : undefined
}

function footnoteRef(src: string): FootnoteRef | undefined {
  const found = /^\[\^([^\]\s]{1,64})\]/.exec(src)
  return found?.[1] ? { type: 'footnoteRef', raw: found[0], label: found[1] } : undefined
}

const FOOTNOTE_DEF = /^ {0,3}\[\^([^\]\s]{1,64})\]:[ \t]*([^\n]*(?:\n(?:[ \t]*\n)*(?: {2,}|\t)[^\n]+)*)(?:\n|$)/

function footnoteDef(this: { lexer: Lexer }, src: string): FootnoteDef | undefined {
  const found = FOOTNOTE_DEF.exec(src)
  const label = found?.[1]
  if (!found || !label) return undefined
  const text = (found[2] ?? '').replace(/\n(?: {1,4}|\t)/g, '\n')
  return { type: 'footnoteDef', raw: found[0], label, tokens: this.lexer.blockTokens(text, []) }
}

function startOf(pattern: RegExp): (src: string) => number | undefined {
  return (src) => {
    const at = src.search(pattern)
    return at < 0 ? undefined : at
  }
}

// One line, title and all: a definition that could still grow over the next line could never be settled
// while a reply streams in.
const LINK_DEF =
  /^ {0,3}\[(?!\^)((?:\\.|[^[\]\\\n])+)\]:[ \t]*(<[^\n<>]*>|[^<\s]\S*)(?:[ \t]+("[^"\n]*"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*(?:\n|$)/

function linkDef(src: string): Tokens.Def | undefined {
  const found = LINK_DEF.exec(src)
  if (!found?.[1] || !found[2]) return undefined
  const tag = found[1].trim().replace(/\s+/g, ' ').toLowerCase().toUpperCase().toLowerCase()
  const href = found[2].replace(/^<(.*)>$/, '$1')
  return { type: 'def', raw: found[0], tag, href, title: found[3]?.slice(1, -1) ?? '' }
}

// An address in Chinese text ends where its punctuation begins.
const CJK_PUNCTUATION = /[\u3000-\u303f\uff01-\uff0f\uff1a-\uff1f\uff3b-\uff40\uff5b-\uff65“”‘’…—]/

function bareUrl(this: Tokenizer, src: string): Tokens.Link | undefined {
  const line = src.slice(0, 2_100)
  const cut = line.search(CJK_PUNCTUATION)
  return Tokenizer.prototype.url.call(this, cut > 0 ? line.slice(0, cut) : line)
}

const dialect = new Marked({ gfm: true })
dialect.use({
  tokenizer: { def: linkDef, url: bareUrl } as unknown as Partial<Tokenizer>,
  extensions: [
    { name: 'blockMath', level: 'block', start: startOf(BLOCK_MATH_START), tokenizer: blockMath },
    { name: 'footnoteDef', level: 'block', tokenizer: footnoteDef as (src: string) => FootnoteDef | undefined },
    { name: 'inlineMath', level: 'inline', start: startOf(/\$|\\[([]/), tokenizer: inlineMath },
    { name: 'footnoteRef', level: 'inline', start: startOf(/\[\^/), tokenizer: footnoteRef },
    { name: 'strong', level: 'inline', tokenizer: strongAtPunctuation as (src: string) => Tokens.Strong | undefined },
    { name: 'text', level: 'inline', tokenizer: singleTilde },
  ],
})

function newLexer(links: Links | undefined): Lexer {
  const lexer = new Lexer(dialect.defaults)
  if (links) lexer.tokens.links = links
  return lexer
}

function lexBlocks(lexer: Lexer, src: string, more: boolean): MarkdownToken[] {
  expectingMore = more
  try {
    return lexer.blockTokens(src, lexer.tokens) as MarkdownToken[]
  } finally {
    expectingMore = false
  }
}

function lexInlines(lexer: Lexer): void {
  for (let i = 0; i < lexer.inlineQueue.length; i++) {
    const { src, tokens } = lexer.inlineQueue[i]!
    // An HTML tag left open says nothing about the next paragraph.
    Object.assign(lexer.state, { inLink: false, inRawBlock: false, linkEmitted: false })
    if (src.length > MAX_INLINE) tokens.push({ type: 'text', raw: src, text: src })
    else lexer.inlineTokens(src, tokens)
  }
  lexer.inlineQueue = []
}

/** The text as it was written: what remains when it is nested too deeply to be understood. */
function unread(src: string): MarkdownToken[] {
  return [{ type: 'html', raw: src, text: src, block: true, pre: false }]
}

/** Cuts a text, of which more may follow, into blocks and looks no deeper. */
export function outline(src: string): MarkdownToken[] {
  try {
    return lexBlocks(newLexer(undefined), src, true)
  } catch {
    return unread(src)
  }
}

/**
 * Lexes a text completely. Reference links resolve by the definitions in `links` and in the text itself;
 * those of the text are added to `links`. With `more` a display formula without an end counts as open.
 */
export function lex(src: string, links?: Links, more = false): MarkdownToken[] {
  const lexer = newLexer(links)
  try {
    const tokens = lexBlocks(lexer, src, more)
    lexInlines(lexer)
    return tokens
  } catch {
    return unread(src)
  }
}

/** Answers an empty set of link definitions. */
export function noLinks(): Links {
  return Object.create(null) as Links
}
