/** What the tests of the renderer share. */
import { i18n } from '@lingui/core'
import { I18nProvider } from '@lingui/react'
import { act } from '@testing-library/react'
import type { ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { Markdown } from './markdown'

// The page has a doctype; the test's document has none, and KaTeX asks.
Object.defineProperty(document, 'compatMode', { value: 'CSS1Compat', configurable: true })
i18n.loadAndActivate({ locale: 'en', messages: {} })

/** Puts a text on the page; answers the node and how to show more of the text. */
export function show(text: string, done = true) {
  const node = document.createElement('div')
  document.body.append(node)
  const root = createRoot(node)
  const draw = (content: ReactNode) => act(() => root.render(<I18nProvider i18n={i18n}>{content}</I18nProvider>))
  const update = (next: string, complete: boolean) => draw(<Markdown text={next} done={complete} />)
  const remove = () => {
    act(() => root.unmount())
    node.remove()
  }
  update(text, done)
  return { node, update, remove }
}
