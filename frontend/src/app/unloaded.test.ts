import { readFileSync } from 'node:fs'
import { runInThisContext } from 'node:vm'
import { beforeAll, beforeEach, expect, it } from 'vitest'

const page = readFileSync('index.html', 'utf8')
const message = () => document.querySelector<HTMLElement>('#unloaded')

beforeAll(() => {
  runInThisContext(readFileSync('public/boot.js', 'utf8'))
})
beforeEach(() => {
  document.body.innerHTML = /<body>(.*)<script/s.exec(page)?.[1] ?? ''
})

/** Has the loading of an element of the page fail. */
function fail(name: 'script' | 'link') {
  const element = document.createElement(name)
  document.body.append(element)
  element.dispatchEvent(new Event('error'))
}

it('an app that can’t be loaded is said, with a way to load it again', () => {
  expect(message()?.hidden).toBe(true)
  fail('script')
  expect(message()?.hidden).toBe(false)
  expect(message()?.querySelector('a')?.getAttribute('href')).toBe('')
})

it('what fails beside the scripts hides nothing', () => {
  fail('link')
  window.dispatchEvent(new ErrorEvent('error', { message: 'a fault of the running app' }))
  expect(message()?.hidden).toBe(true)
})
