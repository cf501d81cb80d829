/** A formula, shown as TeX until it is drawn, copied as TeX. */
import { memo, useLayoutEffect, useRef } from 'react'
import { showFormula } from './math-queue'

interface FormulaProps {
  tex: string
  display: boolean
  /** Whether its end has not arrived; then it stays TeX. */
  open?: boolean
  /** Whether it is a block of its own rather than part of a line. */
  block?: boolean
}

/** Draws a formula. The node's content belongs to KaTeX, not to React. */
export const Formula = memo(function Formula({ tex, display, open = false, block = false }: FormulaProps) {
  const node = useRef<HTMLElement | null>(null)
  useLayoutEffect(() => {
    const element = node.current
    if (!element) return undefined
    if (!open) return showFormula(element, tex, display)
    element.textContent = tex
    element.dataset.state = 'waiting'
    return undefined
  }, [tex, display, open])
  const take = (element: HTMLElement | null) => {
    node.current = element
  }
  return block ? (
    <div dir="ltr" className="md-math md-math-block" data-tex={tex} data-display="" ref={take} />
  ) : (
    <span dir="ltr" className="md-math" data-tex={tex} data-display={display ? '' : undefined} ref={take} />
  )
})
