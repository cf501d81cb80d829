// T22, T23, P87: text of unknown origin runs nothing and loads nothing, at no moment of its arrival.
import { afterEach, expect, test } from 'vitest'
import { safeHref } from './links'
import { hostile } from './test-hostile'
import { show } from './test-support'

const ALLOWED_ELEMENTS = new Set(
  `div p span strong em del code pre br hr blockquote ul ol li h2 h3 h4 h5 h6 a sup section figure figcaption
   table thead tbody tr th td button svg path rect circle polyline line`.split(/\s+/),
)
const ALLOWED_ATTRIBUTES = /^(?:class|id|title|role|tabindex|type|scope|start|rel|target|href|dir|xmlns|width|height|viewbox|fill|stroke.*|d|r|c[xy]|rx|ry|[xy][12]?|points|aria-[a-z]+|data-[a-z]+)$/

function complaint(root: Element): string | null {
  for (const element of root.querySelectorAll('*')) {
    const name = element.tagName.toLowerCase()
    if (!ALLOWED_ELEMENTS.has(name)) return `element ${name}`
    for (const { name: attribute, value } of element.attributes) {
      if (!ALLOWED_ATTRIBUTES.test(attribute.toLowerCase())) return `attribute ${attribute}`
      if (attribute === 'href' && !/^(?:https?:\/\/|mailto:|#[\w-]+$)/.test(value)) return `href ${value}`
      if (attribute === 'href' && !value.startsWith('#') && element.getAttribute('rel') !== 'noopener noreferrer nofollow') return `rel of ${value}`
    }
  }
  return null
}

let shown: ReturnType<typeof show> | undefined
afterEach(() => {
  shown?.remove()
  shown = undefined
})

test('there are enough hostile texts', () => {
  expect(hostile.length).toBeGreaterThanOrEqual(200)
})

// P87: nothing of an answer runs, loads or leads anywhere by itself.
test('no prefix of a hostile text makes an element, an attribute or an address that it should not', () => {
  const complaints: string[] = []
  for (const text of hostile) {
    shown = show('', false)
    for (let end = 1; end <= text.length; end++) {
      shown.update(text.slice(0, end), false)
      const found = complaint(shown.node)
      if (found) complaints.push(`${found} in ${JSON.stringify(text.slice(0, end))}`)
    }
    shown.update(text, true)
    const found = complaint(shown.node)
    if (found) complaints.push(`${found} in ${JSON.stringify(text)}, done`)
    shown.remove()
  }
  expect(complaints).toEqual([])
}, 60_000)

test('raw HTML is shown as it was written', () => {
  shown = show('<script>alert(1)</script>\n\na <b>c</b>\n')
  expect(shown.node.textContent).toContain('<script>alert(1)</script>')
  expect(shown.node.textContent).toContain('a <b>c</b>')
})

test('a picture becomes a link that names its host', () => {
  shown = show('![a cat](https://pictures.example/cat.png)')
  expect(shown.node.querySelector('img')).toBeNull()
  const link = shown.node.querySelector('a')
  expect(link?.textContent).toBe('a cat pictures.example')
  expect(link?.getAttribute('href')).toBe('https://pictures.example/cat.png')
})

test.each([
  ['https://e.example/a?b=c&amp;d', 'https://e.example/a?b=c&d'],
  ['HTTP://E.example', 'http://e.example/'],
  ['mailto:a@b.example', 'mailto:a@b.example'],
  ['javascript:alert(1)', undefined],
  [' java\nscript:alert(1)', undefined],
  ['javascript&colon;alert(1)', undefined],
  ['data:text/html,x', undefined],
  ['/settings', undefined],
  ['//e.example', undefined],
  ['e.example', undefined],
  ['', undefined],
])('the address %j becomes %j', (address, href) => {
  expect(safeHref(address)).toBe(href)
})
