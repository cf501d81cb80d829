// What a browser really loads, whatever names it: files by their size in gzip.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { completeAnswer, composer, say } from './browser.mjs'
import { journeys } from './journey.mjs'

const journey = journeys()

const sizeOf = (name) => gzipSync(readFileSync(join(import.meta.dirname, '../dist', name)), { level: 9 }).length / 1024
const list = (names) => names.map((name) => `${name} ${sizeOf(name).toFixed(1)}`).join('\n')
const sum = (names) => names.reduce((all, name) => all + sizeOf(name), 0)

journey(
  'a visitor loads at most 166 KB of script, 200 KB with a live answer and its Markdown, and nothing of other pages',
  async ({ newcomer }) => {
    const visitor = await newcomer()
    const page = await visitor.context.newPage()
    const scripts = new Set()
    page.on('request', (request) => {
      const { pathname } = new URL(request.url())
      if (pathname.endsWith('.js')) scripts.add(pathname)
    })
    await page.goto('/')
    await composer(page).waitFor()
    await page.waitForLoadState('networkidle')
    // Once there is nothing else to do the page fetches what the first answer will need.
    const first = [...scripts].filter((name) => !/\/markdown-/.test(name))
    assert.ok(sum(first) <= 166, list(first))
    await say(page, 'hello')
    await completeAnswer(page)
    await page.waitForLoadState('networkidle')
    const all = [...scripts]
    console.log(`${sum(first).toFixed(1)} KB at first, ${sum(all).toFixed(1)} KB with an answer`)
    assert.ok(sum(all) <= 200 && all.length > first.length, list(all))
    assert.deepEqual(
      all.filter((name) => /playground|katex/i.test(name)),
      [],
    )
  },
)
