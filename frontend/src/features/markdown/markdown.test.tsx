import { afterEach, describe, expect, test, vi } from 'vitest'
import { longAnswer, longAnswerParts } from '../../../e2e/fixtures/long-answer.mjs'
import { textWithFormulas } from './copy-selection'
import { dice, prefixes, tricky } from './test-documents'
import { show } from './test-support'

let shown: ReturnType<typeof show> | undefined
afterEach(() => {
  shown?.remove()
  shown = undefined
  vi.restoreAllMocks()
})

function page(text: string, done = true): HTMLElement {
  shown?.remove()
  shown = show(text, done)
  return shown.node
}

function text(markdown: string, done = true): string {
  return page(markdown, done).textContent ?? ''
}

function elements(node: Element, selector: string): (string | null)[] {
  return [...node.querySelectorAll(selector)].map((element) => element.textContent)
}

/** The markup without what differs from one mounting to the next and says nothing: ids and folds. */
function markup(node: Element): string {
  node.normalize()
  const copy = node.cloneNode(true) as Element
  for (const element of copy.querySelectorAll('*')) for (const name of ['id', 'aria-controls', 'data-state']) element.removeAttribute(name)
  for (const link of copy.querySelectorAll('a[href^="#"]')) link.removeAttribute('href')
  return copy.innerHTML
}

describe('whatever pieces a text comes in', () => {
  test.each(tricky.map((document, i) => [i, document] as const))('document %i ends as the page of one pass', (i, document) => {
    const whole = markup(page(document))
    const random = dice(23 + i)
    for (let run = 0; run < 25; run++) {
      page('', false)
      for (const prefix of prefixes(document, random)) shown?.update(prefix, false)
      shown?.update(document, true)
      expect(markup(shown!.node)).toBe(whole)
    }
  })

  test('a long answer ends as the page of one pass', () => {
    const whole = markup(page(longAnswer))
    page('', false)
    for (const prefix of prefixes(longAnswer, dice(5), 400)) shown?.update(prefix, false)
    shown?.update(longAnswer, true)
    expect(markup(shown!.node)).toBe(whole)
  })
})

test('a long answer has all its parts and no mark left over', () => {
  const node = page(longAnswer)
  expect(node.querySelectorAll('.md-code').length).toBe(longAnswerParts.codeBlocks)
  expect(node.querySelectorAll('table').length).toBe(longAnswerParts.tables)
  expect(node.querySelectorAll('h3, h4').length).toBe(longAnswerParts.headings)
  expect(node.querySelectorAll('[data-tex]').length).toBe(longAnswerParts.formulas)
  expect(node.querySelectorAll('.md-task-box').length).toBe(longAnswerParts.tasks)
  for (const code of node.querySelectorAll('pre, code')) code.remove()
  for (const formula of node.querySelectorAll('[data-tex]')) formula.remove()
  expect(node.textContent).not.toMatch(/\*\*|__|~~|`|\]\(|\$|\\[([]|\|/)
})

describe('while a text streams in', () => {
  // Nothing but the code of this text holds any of these marks.
  const document = `# Title of *it*

Some **bold and *both* words**, a \`code span\`, **a \`code\` in bold**, ~~struck~~ and [a link](https://example.org/a_b "t") here. 中文**重点：**说明。
Then \\(a_1 + b_2\\) and $x_1 \\cdot y$ costs $5 or **$6**, and ![pic](https://example.org/p.png).[^1]

| Name | **Value** |
|:-----|------:|
| one | \`1\` |
| **two** | [the 2](https://example.org) |

- first **item**
- [x] second
  1. nested *one*
  2. nested two

> quoted **words
> over lines** end

$$
\\frac{a}{b}
$$

***bold italic*** end_of_it

[^1]: The *note*.
`

  test('no prefix shows a raw mark', () => {
    page('', false)
    const seen: string[] = []
    for (let end = 1; end <= document.length; end++) {
      shown?.update(document.slice(0, end), false)
      const copy = shown!.node.cloneNode(true) as Element
      for (const formula of copy.querySelectorAll('[data-tex], svg')) formula.remove()
      const found = /\*|~|`|\]\(|\]|\[|\\|\||#|^>|(?<![a-z])_|\$(?![56])/.exec(copy.textContent ?? '')
      if (found) seen.push(`${found[0]} after ${JSON.stringify(document.slice(Math.max(0, end - 30), end))}: ${JSON.stringify((copy.textContent ?? '').slice(-40))}`)
    }
    expect(seen).toEqual([])
  })

  test('what is above the growing end keeps its nodes', () => {
    const node = page('# One\n\nA paragraph with **some** words.\n\n- a\n- b', false)
    const before = [...node.querySelectorAll('h2, p, strong, li:first-child')]
    shown?.update('# One\n\nA paragraph with **some** words.\n\n- a\n- b\n\nMore **words**\n\n```js\nx', false)
    shown?.update('# One\n\nA paragraph with **some** words.\n\n- a\n- b\n\nMore **words**\n\n```js\nx\n```\n', true)
    for (const element of before) expect(node.contains(element)).toBe(true)
  })

  test('a selection within the growing paragraph keeps its text node', () => {
    const start = 'The first sentence of this paragraph is long enough to be a piece of its own. And'
    const node = page(start, false)
    const selected = node.querySelector('p')?.firstChild
    const value = selected?.nodeValue
    shown?.update(`${start} then the second one grows and grows until it is long enough as well.`, false)
    shown?.update(`${start} then the second one grows and grows until it is long enough as well.\n\nEnd.`, true)
    expect(node.querySelector('p')?.firstChild).toBe(selected)
    expect(selected?.nodeValue).toBe(value)
  })

  test('a formula that has not ended is not shown as text', () => {
    expect(text('the sum \\(x_1 + ', false)).toBe('the sum')
    expect(text('the sum $x_1 + ', false)).toBe('the sum')
    expect(text('it costs $5 and ', false).trim()).toBe('it costs $5 and')
    expect(page('$$\nx +', false).querySelector('.md-math-block')?.textContent).toBe('x +')
  })

  test('a link that is defined below its use resolves in the end', () => {
    const node = page('', false)
    const document = 'See [this].\n\n- and [this]\n\n| [this] |\n|---|\n| [this] |\n\nmore\n\n[this]: https://e.example/\n'
    for (let end = 1; end <= document.length; end++) shown?.update(document.slice(0, end), false)
    shown?.update(document, true)
    expect([...node.querySelectorAll('a')].map((link) => link.getAttribute('href'))).toEqual(Array(4).fill('https://e.example/'))
  })
})

describe('text', () => {
  test('headings stand one level below the page', () => {
    expect(page('# a\n\n## b\n\n###### c').innerHTML).toMatch(/<h2.*<h3.*<h6/)
  })

  test.each([
    ['**中文**。', ['中文']],
    ['**注意：**请看', ['注意：']],
    ['这是**“引号”**的用法', ['“引号”']],
    ['他说**（重要）**的话，**也重要。**对', ['（重要）', '也重要。']],
    ['**Note:**text', ['Note:']],
    ['a ** b ** c', []],
  ])('in %s what is bold is %j', (markdown, bold) => {
    expect(elements(page(markdown), 'strong')).toEqual(bold)
  })

  test('a range with tildes is not struck out', () => {
    expect(elements(page('20~25 度，30~40 度 ~~旧~~'), 'del')).toEqual(['旧'])
  })

  test('an address ends before Chinese punctuation', () => {
    expect(elements(page('见 https://e.example/a，然后 https://e.example/b。'), 'a')).toEqual(['https://e.example/a', 'https://e.example/b'])
  })

  test('character references are decoded once, and not in code', () => {
    expect(text('&copy; &amp;lt; &#x4e2d; &unknown;')).toBe('© &lt; 中 &unknown;')
    expect(text('`&lt;`')).toBe('&lt;')
  })

  test('br breaks the line, other HTML is text', () => {
    const node = page('| a |\n|---|\n| x<br>y <b>z</b> |')
    expect(node.querySelectorAll('td br').length).toBe(1)
    expect(elements(node, 'td')).toEqual(['xy <b>z</b>'])
  })

  test('links open elsewhere and tell nothing of us', () => {
    const link = page('[x](https://e.example "t")').querySelector('a')
    expect([link?.rel, link?.target, link?.title]).toEqual(['noopener noreferrer nofollow', '_blank', 't'])
  })

  test('tasks say whether they are done', () => {
    const boxes = [...page('- [x] a\n- [ ] b').querySelectorAll('[role=img]')]
    expect(boxes.map((box) => box.getAttribute('aria-label'))).toEqual(['Done', 'To do'])
  })

  test('lists keep their first number', () => {
    expect(page('7. a\n8. b').querySelector('ol')?.getAttribute('start')).toBe('7')
  })
})

describe('footnotes', () => {
  const document = 'One[^b], two[^a], none[^c].\n\n[^a]: Text of a.\n[^b]: Text of *b*.\n'

  test('are numbered as the text mentions them and listed at the end', () => {
    const node = page(document)
    expect(elements(node, '.md-noteref a')).toEqual(['1', '2'])
    expect(elements(node, '.md-notes li > p')).toEqual(['Text of b.', 'Text of a.'])
    expect(node.querySelector('p')?.textContent).toBe('One1, two2, none[^c].')
  })

  test('lead there and back without changing the address', () => {
    const node = page(document)
    const address = location.href
    const mark = node.querySelector<HTMLAnchorElement>('.md-noteref a')
    const scrolled = vi.fn()
    Element.prototype.scrollIntoView = scrolled
    mark?.click()
    expect(scrolled).toHaveBeenCalled()
    expect(document.length > 0 && globalThis.document.activeElement?.textContent).toContain('Text of b.')
    expect(location.href).toBe(address)
  })
})

describe('formulas', () => {
  async function drawn(node: HTMLElement, count: number) {
    await vi.waitFor(() => expect(node.querySelectorAll('[data-state=drawn]').length).toBe(count), { timeout: 8_000 })
  }

  test('are drawn, and those that KaTeX does not know stay TeX', async () => {
    const node = page('$a_1$ and \\(b\\), $$c$$ in a line, $\\nonsense{x}$\n\n\\[\nd^2\n\\]\n')
    expect(node.querySelector('[data-tex="a_1"]')?.textContent).toBe('a_1')
    await drawn(node, 4)
    expect(node.querySelectorAll('.katex').length).toBe(4)
    expect(node.querySelector('[data-state=failed]')?.textContent).toBe('\\nonsense{x}')
  }, 15_000)

  test('run nothing and load nothing', async () => {
    const node = page('$\\href{javascript:alert(1)}{x}$ $\\includegraphics{https://e.example/x.png}$ $\\htmlStyle{background:url(//e.example)}{x}$ $\\htmlData{onclick=alert(1)}{x}$ $ok$')
    await drawn(node, 5)
    await vi.waitFor(() => expect(node.querySelectorAll('[data-state=waiting]').length).toBe(0))
    expect(node.querySelectorAll('a, img, [onclick], [data-onclick]').length).toBe(0)
    for (const styled of node.querySelectorAll<HTMLElement>('[style]')) expect(styled.getAttribute('style')).not.toMatch(/url|background/)
  }, 15_000)

  test('are copied as TeX', async () => {
    const node = page('Let $a_1$ be **it**.\n\n$$\nb\n$$\n\n- end')
    await drawn(node, 2)
    const range = document.createRange()
    range.selectNodeContents(node)
    expect(textWithFormulas(range)).toBe('Let $a_1$ be it.\n\n$$b$$\n\nend')
    range.setStart(node.querySelector('.katex')!, 0)
    range.setEndAfter(node.querySelector('strong')!)
    expect(textWithFormulas(range)).toBe('$a_1$ be it')
    range.selectNodeContents(node.querySelector('strong')!)
    expect(textWithFormulas(range)).toBeNull()
  }, 15_000)
})
