import { act } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { HighlightEnd, HighlightRequest, Line } from './highlight'
import { codeLanguage } from './languages'
import { show } from './test-support'

let shown: ReturnType<typeof show> | undefined
const written: string[] = []

beforeEach(() => {
  written.length = 0
  vi.stubGlobal('navigator', { ...navigator, clipboard: { writeText: (text: string) => Promise.resolve(void written.push(text)) } })
})
afterEach(() => {
  shown?.remove()
  shown = undefined
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.resetModules()
})

function button(name: RegExp): HTMLButtonElement {
  const found = [...shown!.node.querySelectorAll('button')].find((each) => name.test(each.getAttribute('aria-label') ?? each.textContent ?? ''))
  if (!found) throw new Error(`no button ${name}`)
  return found
}

const long = `\`\`\`py\n${Array.from({ length: 120 }, (_, i) => `line ${i + 1}`).join('\n')}\n\`\`\`\n`

describe('a code block', () => {
  test('shows its code letter for letter, and its language', () => {
    const code = 'a &lt; b\n\n\t<b>\n  end  '
    shown = show(`\`\`\`ts title="x"\n${code}\n\`\`\`\n`)
    expect(shown.node.querySelector('pre')?.textContent).toBe(`${code}\n`)
    expect(shown.node.querySelector('figcaption')?.textContent).toContain('TypeScript')
  })

  test('copies exactly the code and says so', async () => {
    shown = show('```\nx = 1\n\ny = 2\n```')
    await act(async () => button(/Copy code/).click())
    expect(written).toEqual(['x = 1\n\ny = 2'])
    expect(button(/Copy code/).textContent).toBe('Copied')
  })

  test('wraps on demand', () => {
    shown = show('```\nx\n```')
    act(() => button(/Wrap/).click())
    expect(button(/Wrap/).getAttribute('aria-pressed')).toBe('true')
    expect(shown.node.querySelector('figure')?.hasAttribute('data-wrap')).toBe(true)
  })

  test('downloads under the ending of its language', () => {
    shown = show('```rust\nfn main() {}\n```')
    const names: string[] = []
    vi.spyOn(URL, 'createObjectURL').mockReturnValue('blob:x')
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function click(this: HTMLAnchorElement) {
      names.push(this.download)
    })
    act(() => button(/Download/).click())
    expect(names).toEqual(['code.rs'])
  })

  test('is folded when it is long and was there from the start', () => {
    shown = show(long)
    expect(shown.node.querySelector('pre')?.textContent?.trimEnd().split('\n').length).toBe(40)
    act(() => button(/Show all 120 lines/).click())
    expect(shown.node.querySelector('pre')?.textContent?.trimEnd().split('\n').length).toBe(120)
    expect(button(/Show less/).getAttribute('aria-expanded')).toBe('true')
  })

  test('is not folded under the eyes of who reads it', () => {
    shown = show(long.slice(0, 600), false)
    shown.update(long, false)
    shown.update(`${long}\nend`, true)
    expect(shown.node.querySelector('pre')?.textContent?.trimEnd().split('\n').length).toBe(120)
    expect(button(/Show less/)).toBeTruthy()
  })

  test('keeps an opened fold and a wrap while text below it streams in', () => {
    shown = show(long, true)
    act(() => button(/Show all/).click())
    act(() => button(/Wrap/).click())
    for (const more of ['\nmore', '\nmore\n\nand **more']) shown.update(long + more, false)
    shown.update(`${long}\nmore\n\nand **more**`, true)
    expect(button(/Show less/).getAttribute('aria-expanded')).toBe('true')
    expect(shown.node.querySelector('figure')?.hasAttribute('data-wrap')).toBe(true)
  })

  test.each([
    ['js {1,3}', 'javascript', 'JavaScript', 'js'],
    ['C++', 'cpp', 'C++', 'cpp'],
    ['dockerfile', 'dockerfile', 'Dockerfile', 'dockerfile'],
    ['brainfuck', '', 'brainfuck', 'txt'],
    ['', '', '', 'txt'],
    ['__proto__', '', '__proto__', 'txt'],
  ])('the fence %j names the language %j', (info, id, label, extension) => {
    expect(codeLanguage(info)).toEqual({ id, label, extension })
  })
})

/** A worker that colours every word of a line, and remembers what it was asked. */
class FakeWorker {
  static asked: HighlightRequest[] = []
  static ended: number[] = []
  static mute = false
  static terminated = 0
  onmessage: ((event: { data: unknown }) => void) | null = null
  postMessage(message: HighlightRequest | HighlightEnd) {
    if ('end' in message) {
      FakeWorker.ended.push(message.session)
      return
    }
    FakeWorker.asked.push(message)
    const lines: Line[] = message.code.split('\n').map((line) => [[line, 'keyword']])
    if (!FakeWorker.mute) queueMicrotask(() => this.onmessage?.({ data: { id: message.id, lines } }))
  }
  terminate() {
    FakeWorker.terminated += 1
  }
}

describe('colours', () => {
  const look = () => act(async () => void (await vi.advanceTimersByTimeAsync(160)))

  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('Worker', FakeWorker)
    Object.assign(FakeWorker, { asked: [], ended: [], mute: false, terminated: 0 })
  })

  test('come line by line, each line once, and the code stays the same', async () => {
    let text = '```js\n'
    shown = show(text, false)
    for (const line of ['const a = 1\n', 'const b', ' = 2\n\nlet c', '\nlast']) {
      text += line
      shown.update(text, false)
      await look()
      expect(shown.node.querySelector('pre')?.textContent).toBe(`${text.slice(6).replace(/\n$/, '')}\n`)
    }
    shown.update(`${text}\n\`\`\`\n`, true)
    await look()
    await look()
    expect(FakeWorker.asked.map((each) => each.code).join('\n')).toBe(text.slice(6))
    expect(shown.node.querySelectorAll('.hl-keyword').length).toBe(5)
    expect(FakeWorker.ended).toContain(FakeWorker.asked[0]?.session)
  })

  test('leave a language without a grammar plain and ask nobody', async () => {
    shown = show('```nothing\nx\n```')
    await look()
    expect(FakeWorker.asked).toEqual([])
  })

  test('are given up when the worker is stuck', async () => {
    FakeWorker.mute = true
    shown = show('```js\nx\n```')
    await look()
    await act(async () => void (await vi.advanceTimersByTimeAsync(11_000)))
    expect(FakeWorker.terminated).toBe(1)
    expect(shown.node.querySelector('pre')?.textContent).toBe('x\n')
  })
})
