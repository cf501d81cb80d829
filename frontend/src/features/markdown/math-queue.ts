/**
 * Draws formulas with KaTeX, which is fetched when the first one is met. Where many formulas appear at
 * once, as in an old conversation, they are drawn a few per frame so that the page stays responsive.
 */
import type Katex from 'katex'

/** Milliseconds of one frame that formulas may use. */
const BUDGET_MS = 8

/** The longest formula, in characters, that is drawn; a longer one stays TeX. */
const MAX_TEX = 5_000

interface Formula {
  node: HTMLElement
  tex: string
  display: boolean
}

let katex: typeof Katex | null = null
let loading: Promise<void> | null = null
const waiting = new Map<HTMLElement, Formula>()
let scheduled = false
let spent = 0

function load(): Promise<void> {
  loading ??= Promise.all([import('katex'), import('katex/dist/katex.min.css')]).then(
    ([module]) => {
      katex = module.default
      schedule()
    },
    () => {
      loading = null
    },
  )
  return loading
}

function draw({ node, tex, display }: Formula): void {
  const scratch = document.createElement('span')
  try {
    katex?.render(tex, scratch, { displayMode: display, maxExpand: 200, maxSize: 20, strict: 'ignore', throwOnError: true, trust: false })
    node.replaceChildren(...scratch.childNodes)
    node.dataset.state = 'drawn'
  } catch {
    // Not TeX that KaTeX knows: what was written stays readable.
    node.dataset.state = 'failed'
  }
}

function drawSome(): void {
  scheduled = false
  spent = 0
  const start = performance.now()
  for (const [node, formula] of waiting) {
    if (performance.now() - start > BUDGET_MS) break
    waiting.delete(node)
    draw(formula)
  }
  spent = performance.now() - start
  if (waiting.size > 0) schedule()
}

function schedule(): void {
  if (scheduled) return
  scheduled = true
  requestAnimationFrame(drawSome)
}

/**
 * Shows the TeX in the node and replaces it by the drawn formula, at once when there is time left in
 * this frame, else soon after. Answers how to call that off.
 */
export function showFormula(node: HTMLElement, tex: string, display: boolean): () => void {
  const formula = { node, tex, display }
  if (katex && spent < BUDGET_MS && tex.length <= MAX_TEX) {
    const start = performance.now()
    node.textContent = tex
    draw(formula)
    spent += performance.now() - start
    schedule()
    return () => undefined
  }
  node.textContent = tex
  node.dataset.state = 'waiting'
  if (tex.length > MAX_TEX) return () => undefined
  waiting.set(node, formula)
  if (katex) schedule()
  else void load()
  return () => void waiting.delete(node)
}
