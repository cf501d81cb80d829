/** What a selection in a rendered text puts on the clipboard: the text, with formulas as TeX. */

const BLOCK = /^(?:P|LI|UL|OL|H[1-6]|PRE|BLOCKQUOTE|TR|DIV|FIGURE|HR|SECTION)$/
const LEFT_OUT = '.md-tools, .md-code-head, .md-fold, .md-note-back'

function formulaText(node: HTMLElement): string {
  const tex = node.dataset.tex ?? ''
  return node.dataset.display === undefined ? `$${tex}$` : `$$${tex}$$`
}

function nodeText(node: Node): string {
  if (node.nodeType === 3) return node.nodeValue ?? ''
  const element = node instanceof HTMLElement ? node : null
  if (element?.dataset.tex !== undefined) return element.classList.contains('md-math-block') ? `\n${formulaText(element)}\n` : formulaText(element)
  if (element?.matches(LEFT_OUT)) return ''
  if (element?.tagName === 'BR') return '\n'
  const inner = [...node.childNodes].map(nodeText).join('')
  if (element?.matches('td, th')) return `${inner}\t`
  return element && BLOCK.test(element.tagName) ? `\n${inner}\n` : inner
}

function enclosingFormula(node: Node): Element | null {
  const element = node instanceof Element ? node : node.parentElement
  return element?.closest('[data-tex]') ?? null
}

/** Answers the text of a range, widened to whole formulas; nothing when it holds no formula. */
export function textWithFormulas(selected: Range): string | null {
  const range = selected.cloneRange()
  const first = enclosingFormula(range.startContainer)
  const last = enclosingFormula(range.endContainer)
  if (first) range.setStartBefore(first)
  if (last) range.setEndAfter(last)
  const fragment = range.cloneContents()
  if (!fragment.querySelector('[data-tex]')) return null
  return nodeText(fragment)
    .replace(/\t(?=\n)/g, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

/** Handles a copy within a rendered text. A selection without formulas is left to the browser. */
export function copyWithFormulas(event: { clipboardData: DataTransfer; preventDefault: () => void }): void {
  const selection = globalThis.getSelection()
  if (!selection || selection.rangeCount === 0) return
  const text = textWithFormulas(selection.getRangeAt(0))
  if (text === null) return
  event.clipboardData.setData('text/plain', text)
  event.preventDefault()
}
