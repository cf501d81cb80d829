import { render, screen } from '@testing-library/react'
import { I18nProvider } from '@lingui/react'
import { i18n } from '@lingui/core'
import type { ReactNode } from 'react'
import { expect, it } from 'vitest'
import { Bubble } from '@/components/ui/bubble'
import { TitleEditor } from '@/features/conversations/title-editor'
import { Markdown } from '@/features/markdown/markdown'
import { GrowingText } from '@/features/chat/growing-text'

const words = 'שלום עולם'
const draw = (part: ReactNode) => render(<I18nProvider i18n={i18n}>{part}</I18nProvider>).container

it('what people write begins at the side of its letters', () => {
  draw(
    <>
      <GrowingText label="Message" value={words} onChange={() => {}} onSend={() => {}} />
      <TitleEditor title={words} onDone={() => {}} />
      <Bubble text={`${words}!`} />
    </>,
  )
  expect(screen.getAllByRole('textbox').map((field) => field.getAttribute('dir'))).toEqual(['auto', 'auto'])
  expect(screen.getByText(`${words}!`).getAttribute('dir')).toBe('auto')
})

it.each([
  ['p', words],
  ['h2', `# ${words}`],
  ['ul', `- ${words}`],
  ['ol', `1. ${words}`],
  ['blockquote', `> ${words}`],
  ['table', `| ${words} |\n| --- |\n| x |`],
])('so does every block of an answer: %s', (name, text) => {
  const page = draw(<Markdown text={text} done />)
  expect(page.querySelector(name)?.getAttribute('dir')).toBe('auto')
})

it('what stands in a block goes with it, and code is always written from the left', () => {
  const page = draw(<Markdown text={`- ${words} \`npm ci\`\n\n  ${words}\n\n\`\`\`\nx\n\`\`\``} done />)
  expect([...page.querySelectorAll('li, p')].map((element) => element.getAttribute('dir'))).toEqual([null, null, null])
  expect(page.querySelector('p code')?.getAttribute('dir')).toBe('ltr')
  expect(page.querySelector('figure')?.getAttribute('dir')).toBe('ltr')
})
