import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** What is loaded at first, and what comes with lazily loaded parts. */
const folders = ['src/locales', 'src/locales/lazy']

function entries(language: string): Map<string, string> {
  return new Map(folders.flatMap((folder) => [...entriesOf(`${folder}/${language}.po`)]))
}

function entriesOf(file: string): Map<string, string> {
  const text = readFileSync(file, 'utf8')
  const value = (field: string, entry: string) => {
    const block = new RegExp(`^${field} ((?:"(?:[^"\\\\]|\\\\.)*"\\n?)+)`, 'm').exec(entry)?.[1] ?? ''
    return [...block.matchAll(/"(?:[^"\\]|\\.)*"/g)].map(([quoted]) => JSON.parse(quoted) as string).join('')
  }
  const all = text.split('\n\n').map((entry): [string, string] => [value('msgid', entry), value('msgstr', entry)])
  return new Map(all.filter(([id]) => id !== ''))
}

/** The names and tags that a message fills in. */
function holes(message: string): string[] {
  const found = [...message.matchAll(/\{(\w+)[,}]|<(\/?\d+)\/?>/g)].map(([, name, tag]) => name ?? `<${tag}>`)
  return [...new Set(found)].toSorted()
}

const english = entries('en')
const chinese = entries('zh')

it('every message is translated', () => {
  expect(english.size).toBeGreaterThan(100)
  expect([...chinese.keys()].toSorted()).toEqual([...english.keys()].toSorted())
  expect([...chinese].filter(([, text]) => text === '').map(([id]) => id)).toEqual([])
})

it('every translation is Chinese, but for names', () => {
  const foreign = [...chinese].filter(([, text]) => !/\p{Script=Han}/u.test(text)).map(([id]) => id)
  expect(foreign).toEqual([])
})

it('every translation fills in what the message does', () => {
  const unequal = [...chinese].filter(([id, text]) => holes(id).join() !== holes(text).join()).map(([id]) => id)
  expect(unequal).toEqual([])
})
