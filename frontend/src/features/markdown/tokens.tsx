/** Turns tokens into elements. Nothing here makes markup from text: raw HTML is shown, not obeyed. */
import { useLingui } from '@lingui/react/macro'
import type { Token, Tokens } from 'marked'
import { createElement, Fragment, memo, type ReactNode } from 'react'
import { CodeBlock } from './code-block'
import { decodeEntities } from './entities'
import { FootnoteMark } from './footnotes'
import { Formula } from './formula'
import type { MarkdownToken } from './grammar'
import { Icon } from './icons'
import { hostOf, safeHref } from './links'
import { inlineText } from './plain-text'
import { Table } from './table'

/** What the drawing of a token depends on besides the token. */
export interface Surroundings {
  /** Whether more text may become part of it. */
  open: boolean
  /** Whether it is, or was, open while it was on the page. */
  live: boolean
  /** Changes when all text was read again, so that equal text may mean something else. */
  revision: number
  /** How many tokens stand around it. */
  depth?: number
  inLink?: boolean
}

/** Tokens nested deeper than this are shown as they were written. */
const MAX_DEPTH = 64

// Pieces end at the first blank or CJK punctuation mark after this many characters.
const PIECE = /[\s\S]{40,}?(?:[\s，。；：！？、]|$)|[\s\S]+$/g

/**
 * Text that grows is drawn in pieces. The browser keeps a selection only in text nodes that do not
 * change, and of a growing text only the last piece does.
 */
function drawText(text: string, around: Surroundings): ReactNode {
  const shown = decodeEntities(text)
  if (!around.live || shown.length <= 40) return shown
  return (shown.match(PIECE) ?? []).map((piece, i) => <Fragment key={i}>{piece}</Fragment>)
}

/** Draws tokens that stand next to each other. */
export function drawTokens(tokens: readonly Token[] | undefined, around: Surroundings): ReactNode {
  const depth = (around.depth ?? 0) + 1
  if (depth > MAX_DEPTH) return tokens?.map((token) => token.raw).join('')
  return tokens?.map((token, i) => (
    <Fragment key={i}>{drawToken(token as MarkdownToken, { ...around, depth, open: around.open && i === tokens.length - 1 })}</Fragment>
  ))
}

function drawLink(token: Tokens.Link, around: Surroundings): ReactNode {
  const text = drawTokens(token.tokens, { ...around, inLink: true })
  const href = safeHref(token.href)
  if (!href || around.inLink) return text
  return (
    <a href={href} title={token.title || undefined} target="_blank" rel="noopener noreferrer nofollow">
      {text}
    </a>
  )
}

/** A picture from elsewhere is never fetched: it is a link that says where it leads. */
function drawImage(token: Tokens.Image, around: Surroundings): ReactNode {
  const text = inlineText(token.tokens) || decodeEntities(token.text)
  const href = safeHref(token.href)
  if (!href || around.inLink) return text
  const host = hostOf(href)
  return (
    <a className="md-image" href={href} target="_blank" rel="noopener noreferrer nofollow">
      <Icon name="picture" />
      {text || href.slice(href.lastIndexOf('/') + 1)}
      {host && <span className="md-image-host"> {host}</span>}
    </a>
  )
}

function TaskBox({ checked }: { checked: boolean }) {
  const { t } = useLingui()
  return <span className="md-task-box" role="img" data-checked={checked ? '' : undefined} aria-label={checked ? t`Done` : t`To do`} />
}

interface ItemProps {
  item: Tokens.ListItem
  around: Surroundings
}

function sameItem({ item: a, around: x }: ItemProps, { item: b, around: y }: ItemProps): boolean {
  return a.raw === b.raw && a.loose === b.loose && x.open === y.open && x.live === y.live && x.revision === y.revision
}

const Item = memo(function Item({ item, around }: ItemProps) {
  return <li className={item.task ? 'md-task' : undefined}>{drawTokens(item.tokens, around)}</li>
}, sameItem)

function drawList(token: Tokens.List, around: Surroundings): ReactNode {
  const items = token.items.map((item, i) => (
    <Item key={i} item={item} around={{ ...around, open: around.open && i === token.items.length - 1 }} />
  ))
  const dir = direction(around)
  if (!token.ordered) return <ul dir={dir}>{items}</ul>
  return <ol dir={dir} start={token.start === 1 || token.start === '' ? undefined : token.start}>{items}</ol>
}

function drawTable(token: Tokens.Table, around: Surroundings): ReactNode {
  const inCell = { ...around, open: false }
  return <Table table={token} revision={around.revision} dir={direction(around)} drawCell={(cell) => drawTokens(cell.tokens, inCell)} />
}

/** A block on its own is written from the side where its first letters begin; what is in it goes with it. */
function direction({ depth }: Surroundings): 'auto' | undefined {
  return depth === undefined ? 'auto' : undefined
}

// The page has its own first heading, so those of a text begin one level below.
function drawHeading(token: Tokens.Heading, around: Surroundings): ReactNode {
  const facts = { 'data-depth': token.depth, dir: direction(around) }
  return createElement(`h${Math.min(token.depth + 1, 6)}`, facts, drawTokens(token.tokens, around))
}

function drawHtml(token: Tokens.HTML | Tokens.Tag): ReactNode {
  if (/^<br\s*\/?>$/i.test(token.raw)) return <br />
  return token.block ? <pre className="md-raw" dir="ltr">{token.raw.trimEnd()}</pre> : token.raw
}

/** Draws one token and what is in it. */
export function drawToken(token: MarkdownToken, around: Surroundings): ReactNode {
  switch (token.type) {
    case 'text':
      return token.tokens ? drawTokens(token.tokens, around) : drawText(token.text, around)
    case 'escape':
      return token.text
    case 'strong':
      return <strong>{drawTokens(token.tokens, around)}</strong>
    case 'em':
      return <em>{drawTokens(token.tokens, around)}</em>
    case 'del':
      return <del>{drawTokens(token.tokens, around)}</del>
    case 'codespan':
      return <code dir="ltr">{token.text}</code>
    case 'br':
      return <br />
    case 'link':
      return drawLink(token, around)
    case 'image':
      return drawImage(token, around)
    case 'inlineMath':
      return <Formula tex={token.tex} display={token.display} />
    case 'blockMath':
      return <Formula tex={token.tex} display block open={token.open} />
    case 'footnoteRef':
      return <FootnoteMark label={token.label} raw={token.raw} />
    case 'paragraph':
      return <p dir={direction(around)}>{drawTokens(token.tokens, around)}</p>
    case 'heading':
      return drawHeading(token, around)
    case 'hr':
      return <hr />
    case 'blockquote':
      return <blockquote dir={direction(around)}>{drawTokens(token.tokens, around)}</blockquote>
    case 'code':
      return <CodeBlock code={token.text.replace(/\n$/, '')} info={token.lang ?? ''} open={around.open} />
    case 'checkbox':
      return <TaskBox checked={token.checked} />
    case 'list':
      return drawList(token, around)
    case 'table':
      return drawTable(token, around)
    case 'html':
      return drawHtml(token)
    default:
      return null
  }
}
