/** Markdown without its marks. */
import type { Token } from 'marked'
import { decodeEntities } from './entities'
import { lex, type MarkdownToken } from './grammar'

function tokenText(token: MarkdownToken): string {
  switch (token.type) {
    case 'inlineMath':
    case 'blockMath':
      return token.tex
    case 'code':
      return token.text.replace(/\n$/, '')
    case 'codespan':
      return token.text
    case 'br':
      return '\n'
    case 'html':
      return /^<br\s*\/?>$/i.test(token.raw) ? '\n' : token.raw.trim()
    case 'list':
      return token.items.map((item) => inlineText(item.tokens)).join('\n')
    case 'table':
      return [token.header, ...token.rows].map((row) => row.map((cell) => inlineText(cell.tokens)).join('\t')).join('\n')
    case 'space':
    case 'def':
    case 'hr':
    case 'checkbox':
    case 'footnoteRef':
      return ''
    case 'blockquote':
    case 'footnoteDef':
      return joinBlocks(token.tokens as MarkdownToken[])
    default:
      return 'tokens' in token && token.tokens ? inlineText(token.tokens) : decodeEntities(token.text)
  }
}

/** Answers the text that tokens within a line show. */
export function inlineText(tokens: readonly Token[]): string {
  return tokens.map((token) => tokenText(token as MarkdownToken)).join('')
}

function joinBlocks(tokens: readonly MarkdownToken[]): string {
  return tokens.map(tokenText).filter((text) => text !== '').join('\n\n')
}

/** Answers what a reader of the text sees: no marks, formulas as TeX, blocks apart by an empty line. */
export function toPlainText(markdown: string): string {
  return joinBlocks(lex(markdown.replace(/\r\n?/g, '\n')))
}

/** Answers a message as it goes to the clipboard: the markdown itself, ending in one line break. */
export function messageMarkdown(markdown: string): string {
  return `${markdown.replace(/\r\n?/g, '\n').trim()}\n`
}
