import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

/** What is loaded at first, and what comes with lazily loaded parts. */
const folders = ['src/locales', 'src/locales/near', 'src/locales/lazy']

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

it('Chinese has commas of its own, and one way to address somebody', () => {
  const odd = [...chinese].filter(([, text]) => /\p{Script=Han},\p{Script=Han}|你/u.test(text)).map(([id]) => id)
  expect(odd).toEqual([])
})

it('every translation fills in what the message does', () => {
  const unequal = [...chinese].filter(([id, text]) => holes(id).join() !== holes(text).join()).map(([id]) => id)
  expect(unequal).toEqual([])
})

/** Every file that comes with a file, by what it imports at once. */
function withImports(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known
  known.add(file)
  for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^'"]*?['"]([@.][^'"]+)['"]/gm)) {
    const base = path.startsWith('@/') ? join('src', path.slice(2)) : join(dirname(file), path)
    const found = [base, `${base}.ts`, `${base}.tsx`].find((name) => statSync(name, { throwIfNoEntry: false })?.isFile())
    if (found) withImports(found, known)
  }
  return known
}

it('what is near a chat has all its words without those of other pages', () => {
  const worded = new Set(
    ['src/locales', 'src/locales/near'].flatMap((folder) =>
      [...readFileSync(`${folder}/en.po`, 'utf8').matchAll(/^#: (.+)$/gm)].map(([, file = '']) => file),
    ),
  )
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))
  const parts = sources.flatMap((file) =>
    [...readFileSync(`src/${file}`, 'utf8').matchAll(/import\('([^']+)'\)[^']*,\s+'near'[,)]/g)].map(([, path = '']) =>
      path.startsWith('@/') ? `src/${path.slice(2)}.tsx` : `${join('src', dirname(file), path)}.tsx`,
    ),
  )
  expect(parts.length).toBeGreaterThan(4)
  const files = [...new Set(parts.flatMap((part) => [...withImports(part)]))]
  const speaking = files.filter((file) => /@lingui\/(core|react)\/macro/.test(readFileSync(file, 'utf8')))
  expect(speaking.filter((file) => !worded.has(file))).toEqual([])
})
