/**
 * Makes the unfinished end of a streamed text presentable, so that a reader never sees a mark whose
 * meaning is still on its way: half a table, an opened `**`, a link without its address.
 *
 * What mend answers is only for the eye. It is thrown away with the next token, so it may guess.
 */

const FENCE_LINE = /^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})([^\n]*)$/gm

/** Answers the mark of the code fence that the text leaves open, or nothing. */
export function openFence(text: string): string {
  let fence = ''
  for (const [, mark = '', info = ''] of text.matchAll(FENCE_LINE)) {
    if (fence === '') {
      if (mark[0] === '~' || !info.includes('`')) fence = mark
    } else if (mark.startsWith(fence) && info.trim() === '') fence = ''
  }
  return fence
}

/** Takes off a last line that may become the end of the code block which `fence` opened. */
export function withoutPartialFence(text: string, fence: string): string {
  const line = text.lastIndexOf('\n') + 1
  const mark = text.slice(line).replace(/^[ \t>]+/, '')
  return line > 0 && mark !== '' && mark.length < fence.length && fence.startsWith(mark) ? text.slice(0, line) : text
}

// The last line starts with a pipe and has a cell: `| a` or `|a|b|`.
const TABLE_ROW = /^([ \t>]*)\|(?:[ \t]+[^\s|]|[^|\n]+\|[^|\n]*\|)/
const DELIMITER = /^[ \t>]*\|?[ \t:|-]*$/

function delimiterFor(header: string, indent: string): string {
  const cells = header.slice(indent.length).replace(/^\||(?<!\\)\|?[ \t]*$/g, '').split(/(?<!\\)\|/)
  return `${indent}|${cells.map(() => '---|').join('')}`
}

function cellCount(delimiter: string): number {
  return (delimiter.match(/-+/g) ?? []).length
}

function isRow(line: string): boolean {
  return /^[ \t>]*\|/.test(line)
}

/** A table shows as one from the first cell of its head on. */
function mendTableHead(text: string): string {
  const lines = text.split('\n')
  const [third = '', before = '', last = ''] = [lines.at(-3), lines.at(-2), lines.at(-1)]
  const under = TABLE_ROW.exec(before)
  if (under && !isRow(third) && DELIMITER.test(last)) {
    const whole = delimiterFor(before, under[1] ?? '')
    const complete = /-:?\|?[ \t]*$/.test(last) && cellCount(last) === cellCount(whole)
    return complete ? text : `${lines.slice(0, -1).join('\n')}\n${whole}`
  }
  const head = TABLE_ROW.exec(last)
  return head && !isRow(before) ? `${text}\n${delimiterFor(last, head[1] ?? '')}` : text
}

// Bullets and quote marks that stand before the text of a line.
const CONTAINER = '^[ \\t>]*(?:(?:[-*+]|\\d{1,9}[.)])[ \\t]+)*'
const MARK_ONLY = new RegExp(
  `(?:${CONTAINER})(?=\\S)(?:#{1,6}|[-+*_=~\`]+|\\d{1,9}[.)]?|\\[[ xX]?\\]?|\\||:?-+:?|\\$\\$?|\\\\[[(]?|<!?-{0,2}|!?\\[|\\[\\^[^\\]\\n]*\\]?:?)[ \\t]*$`,
)
const BEFORE_MARK = new RegExp(CONTAINER)

// The address of a link definition counts only when it is complete.
const DEF_LINE = /^ {0,3}\[(?!\^)[^\]\n]+\]:/

/** Takes off what stands alone on the last line and may yet turn out to be a mark. */
function withoutBareMark(text: string): string {
  const start = text.lastIndexOf('\n') + 1
  const line = text.slice(start)
  if (DEF_LINE.test(line)) return text.slice(0, start)
  if (!MARK_ONLY.test(line)) return text
  const container = BEFORE_MARK.exec(line)?.[0] ?? ''
  return text.slice(0, start) + container
}

// Everything in which a dollar sign or a backslash does not open a formula, then the openings.
const MATH_SCAN =
  /`+[^`]*`+|(\$\$[^$]+?\$\$|\\\[[\s\S]+?\\\]|\\\([\s\S]+?\\\)|\$(?![\s$])(?:\\.|[^$\\\n])+?(?<!\s)\$(?![\d$]))|\\[^[(]|(\$\$?|\\[[(])/g

/** Whether the rest of the text, which begins with an opening mark, looks like the start of a formula. */
function startsFormula(rest: string): boolean {
  if (rest[0] === '\\' || rest.startsWith('$$')) return rest.length <= 400
  return /^\$(?:$|[\\A-Za-z{(|_^-])/.test(rest) && rest.length <= 120 && !/\n|\s[A-Za-z]{3,}\s/.test(rest)
}

/**
 * Hides a formula that has begun and puts the finished ones, and dollar signs that are none, behind
 * stand-ins, so that their underscores and asterisks are not taken for emphasis.
 */
function withoutMath(text: string, kept: string[]): string {
  let out = ''
  let from = 0
  for (const found of text.matchAll(MATH_SCAN)) {
    const [all, formula, opening] = found
    if (opening && startsFormula(text.slice(found.index))) return out + text.slice(from, found.index)
    if (!formula && !opening) continue
    kept.push(all)
    out += `${text.slice(from, found.index)}\uE000${kept.length - 1}\uE001`
    from = found.index + all.length
  }
  return out + text.slice(from)
}

/** Closes a code span that has begun, or takes its mark off when nothing stands in it yet. */
function mendCodeSpan(text: string): string {
  let open: { at: number; mark: string } | null = null
  for (const found of text.matchAll(/`+/g)) {
    if (open === null) {
      if (text[found.index - 1] !== '\\') open = { at: found.index, mark: found[0] }
    } else if (found[0] === open.mark) open = null
  }
  if (open === null) return text
  const code = text.slice(open.at + open.mark.length).replace(/`+$/, '')
  return text.slice(0, open.at) + (code.trim() === '' ? '' : open.mark + code + open.mark)
}

// An opening mark that has nothing to enclose yet, or a closing one that may be only half there. Those
// that did close something are put back at the end, where all that is open is closed.
const LOOSE_END = /(?:(?<!\\)[*_~]+|\[\^[^\]\s]*|<(?:b(?:r ?\/?)?)?|(?<!\\)\\|\n[ \t>]*|\s+)$/

function withoutLooseEnd(text: string): string {
  let tight = text
  while (LOOSE_END.test(tight)) tight = tight.replace(LOOSE_END, '')
  return tight
}

const BRACKETED = '((?:[^[\\]]|\\[[^[\\]]*\\])*)'
const LINK_WITHOUT_END = new RegExp(`!?\\[${BRACKETED}\\]\\([^()\\n]*(?:\\([^()\\n]*\\)[^()\\n]*)*$`)
const LINK_WITHOUT_ADDRESS = new RegExp(`(?<![\\w)\\]])!?\\[(?!\\d+\\]$)${BRACKETED}\\]?$`)

/** Leaves of a link whose address has not arrived only the text. */
function mendLink(text: string): string {
  return text.replace(LINK_WITHOUT_END, '$1').replace(LINK_WITHOUT_ADDRESS, '$1')
}

interface Opened {
  mark: string
  count: number
}

/** Takes off the stack what a closing run of `count` marks closes; answers how many marks are left over. */
function close(stack: Opened[], mark: string, count: number): number {
  let left = count
  for (let i = stack.length - 1; i >= 0 && left > 0; i--) {
    const opened = stack[i]
    if (!opened || opened.mark !== mark) continue
    const closed = Math.min(opened.count, left)
    left -= closed
    opened.count -= closed
    stack.length = opened.count > 0 ? i + 1 : i
  }
  return left
}

// What holds no emphasis, then the marks of it: escapes, code, the addresses of links.
const EMPHASIS_SCAN = /\\[^]|`+[^`]*`+|\]\([^)\s]*|https?:\/\/[^\s*]+|(\*+|_+|~~)/g
const LETTER = /[\p{L}\p{N}]/u
const PUNCTUATION = /[\p{P}\p{S}]/u

function mayOpen(mark: string, before: string, after: string): boolean {
  if (after === '' || /\s/.test(after)) return false
  if (mark[0] === '_') return !LETTER.test(before)
  // The grammar is lenient with two marks, as languages without spaces need, but not with one.
  return mark.length > 1 || !PUNCTUATION.test(after) || !LETTER.test(before)
}

function mayClose(mark: string, before: string, after: string): boolean {
  return before !== '' && !/\s/.test(before) && !(mark[0] === '_' && LETTER.test(after))
}

/** Closes the emphasis that is open at the end of the text. */
function closeEmphasis(text: string): string {
  const stack: Opened[] = []
  for (const found of text.matchAll(EMPHASIS_SCAN)) {
    const run = found[1]
    if (!run) continue
    const mark = run[0] ?? ''
    const before = text[found.index - 1] ?? ''
    const after = text[found.index + run.length] ?? ''
    const left = mayClose(run, before, after) ? close(stack, mark, run.length) : run.length
    if (left > 0 && mayOpen(run, before, after)) stack.push({ mark, count: left })
  }
  return text + stack.reduceRight((ends, { mark, count }) => ends + mark.repeat(count), '')
}

/** The longest paragraph, in characters, whose end is mended. */
const MAX_MENDED = 10_000

function mendInline(text: string): string {
  if (text.length > MAX_MENDED) return text
  const kept: string[] = []
  const plain = withoutLooseEnd(withoutMath(mendCodeSpan(text), kept))
  const mended = closeEmphasis(withoutLooseEnd(mendLink(plain)))
  return mended.replace(/\uE000(\d+)\uE001/g, (mark, index) => kept[Number(index)] ?? mark)
}

/** Where the last paragraph, list item or table row of the text begins. */
function lastLeaf(text: string): number {
  let leaf = 0
  for (const found of text.matchAll(/^(?:[ \t>]*\n|[ \t>]*(?=(?:[-*+]|\d{1,9}[.)])[ \t]|\|))/gm)) {
    leaf = found[0].endsWith('\n') ? found.index + found[0].length : found.index
  }
  return leaf
}

/** Answers the text of a block to which more will be added, ready to be shown now. */
export function mend(text: string): string {
  const fence = openFence(text)
  if (fence) return withoutPartialFence(text, fence)
  const clean = withoutBareMark(text)
  const leaf = lastLeaf(clean)
  const content = leaf + (BEFORE_MARK.exec(clean.slice(leaf))?.[0].length ?? 0)
  const rest = clean.slice(content)
  // A display formula that has begun is a block of its own and is shown as such.
  if (/^(?:\$\$|\\\[)/.test(rest)) return clean
  return mendTableHead(clean.slice(0, content) + mendInline(rest))
}
