import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'

const dist = join(import.meta.dirname, '../dist')
const kilobyte = 1024
const gzipped = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length / kilobyte
const assets = readdirSync(join(dist, 'assets'))
const index = readFileSync(join(dist, 'index.html'), 'utf8')
const named = [...index.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css))"/g)].map(([, path]) => path)
const sum = (files) => files.reduce((all, file) => all + gzipped(file), 0)

const firstScripts = named.filter((path) => path.endsWith('.js'))
const lazyScripts = assets
  .filter((name) => name.endsWith('.js') && !firstScripts.includes(`/assets/${name}`))
  .map((name) => `assets/${name}`)

test('the first page loads at most 150 KB of script and 14 KB of style', () => {
  const script = sum(firstScripts)
  const style = sum(named.filter((path) => path.endsWith('.css')))
  console.log(`script ${script.toFixed(1)} KB, style ${style.toFixed(1)} KB`)
  assert.ok(script <= 150, `${script} KB of script`)
  assert.ok(style <= 14, `${style} KB of style`)
})

test('no lazy part is larger than 90 KB, and a thread with its Markdown at most 180 KB', () => {
  for (const file of lazyScripts.filter((name) => !/\/playground/.test(name)))
    assert.ok(gzipped(file) <= 90, `${file}: ${gzipped(file)} KB`)
  const markdown = lazyScripts.filter((file) => /\/markdown-/.test(file)).map(gzipped)
  assert.ok(sum(firstScripts) + Math.max(...markdown) <= 180)
})

test('the playground loads at most 200 KB of its own', () => {
  const size = sum(lazyScripts.filter((file) => /\/playground/.test(file)))
  console.log(`playground ${size.toFixed(1)} KB`)
  assert.ok(size > 50 && size <= 200, `${size} KB`)
})

test('no file is larger than 600 KB, and every text has its compressed versions', () => {
  for (const entry of readdirSync(dist, { recursive: true })) {
    const file = join(dist, entry)
    if (!statSync(file).isFile()) continue
    assert.ok(statSync(file).size <= 600 * kilobyte, `${entry}: ${statSync(file).size} bytes`)
    if (/^assets\/.*\.(js|css)$/.test(entry) && statSync(file).size > 2048) {
      for (const ending of ['.br', '.gz']) assert.ok(statSync(file + ending).size > 0)
    }
  }
})

test('the page holds nothing inline that the content security policy would refuse', () => {
  assert.doesNotMatch(index, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/)
  assert.doesNotMatch(index, /https?:\/\//)
})
