import { beforeAll, describe, expect, test } from 'vitest'
import { longAnswer } from '../../../e2e/fixtures/long-answer.mjs'
import { type Block, blockReader } from './blocks'
import { dice, prefixes, tricky } from './test-documents'

function shape(blocks: readonly Block[]): string[] {
  return blocks.map((block) => `${block.token.type} ${block.raw.trimEnd()}`)
}

/** The CPU time that the work takes at the least, of three tries: what else the machine does only adds to it. */
function costOf(work: () => void): number {
  const tries = [1, 2, 3].map(() => {
    const start = process.cpuUsage()
    work()
    const used = process.cpuUsage(start)
    return used.user + used.system
  })
  return Math.min(...tries)
}

function readWhole(text: string) {
  blockReader()(text, false)
  blockReader()(text, true)
}

/** 20,000 characters of what answers are made of: what others cost is held against it. */
const ordinary = 'Some words with *emphasis*, `code` and [a link](https://a.example), then more.\n\n- a list\n- of two\n\n'.repeat(200)

describe('reading a growing text', () => {
  let usual = 0
  beforeAll(() => {
    usual = costOf(() => readWhole(ordinary))
  })

  const documents = [longAnswer, ...tricky]

  test.each(documents.map((document, i) => [i, document] as const))(
    'document %i ends in the same blocks in whatever pieces it comes',
    (i, document) => {
      const whole = shape(blockReader()(document, true))
      const random = dice(7 + i)
      for (let run = 0; run < 25; run++) {
        const read = blockReader()
        for (const prefix of prefixes(document, random, document === longAnswer ? 200 : 12)) read(prefix, false)
        expect(shape(read(document, true))).toEqual(whole)
      }
    },
  )

  test.each(documents.map((document, i) => [i, document] as const))('document %i settles only what stays so', (i, document) => {
    const read = blockReader()
    const random = dice(91 + i)
    const longest = document === longAnswer ? 60 : 5
    const settled = new Map<number, string>()
    for (const prefix of prefixes(document, random, longest)) {
      const blocks = read(prefix, false)
      for (const block of blocks) if (!block.open && !settled.has(block.key)) settled.set(block.key, block.raw.trimEnd())
    }
    const whole = read(document, true)
    // A block before the open one may still be joined to it; those further up may not change.
    for (const [key, raw] of [...settled].slice(0, -2)) expect(whole[key]?.raw.trimEnd()).toBe(raw)
  })

  test('blocks that are finished stay the same objects to the end', () => {
    const read = blockReader()
    const before = read('# One\n\ntwo\n\nthree is gro', false)
    const after = read('# One\n\ntwo\n\nthree is growing\n\nfour', false)
    const end = read('# One\n\ntwo\n\nthree is growing\n\nfour', true)
    expect(after[0]).toBe(before[0])
    expect(after[1]).toBe(before[1])
    expect(end.slice(0, 3)).toEqual(after.slice(0, 3))
    expect(end[2]).toBe(after[2])
  })

  test('a code block of 1,000 lines is not lexed again with every line', () => {
    const read = blockReader()
    const lines = Array.from({ length: 1_000 }, (_, i) => `const value${i} = compute(${i})`)
    const whole = (read: (text: string, done: boolean) => unknown) => {
      let text = '```ts\n'
      for (const line of lines) {
        text += `${line}\n`
        read(text, false)
      }
      return text
    }
    const text = whole(read)
    expect(costOf(() => whole(blockReader()))).toBeLessThan(25 * usual)
    expect(read(`${text}\`\`\`\n`, true)[0]?.token).toMatchObject({ type: 'code', lang: 'ts', text: lines.join('\n') })
  }, 30_000)

  test('a text that does not continue the last one is read anew', () => {
    const read = blockReader()
    read('one\n\n[a]: https://a.example\n\nthree', true)
    expect(shape(read('two\n\nfour [a] five', false))).toEqual(['paragraph two', 'paragraph four [a] five'])
  })

  test('more text may come after the end was announced', () => {
    const read = blockReader()
    read('one\n\n- a', true)
    expect(shape(read('one\n\n- a\n- b\n\nc', true))).toEqual(['paragraph one', 'list - a\n- b', 'paragraph c'])
  })

  test('line ends of any kind give the same blocks', () => {
    const text = '# a\n\n- b\n- c\n\n```\nd\n```\n'
    const whole = shape(blockReader()(text, true))
    expect(shape(blockReader()(text.replaceAll('\n', '\r\n'), true))).toEqual(whole)
    expect(shape(blockReader()(text.replaceAll('\n', '\r'), true))).toEqual(whole)
  })

  test.each(['[', '*a_', '![', '> ', '>', '1. ', '- ', '**a ', '[a', '[[a', '$$\n', '\\(', '`', '<', '|', '[](', '\t', '~~a', '_a'])(
    '20,000 characters of %j cost little and throw nothing',
    (unit) => {
      const text = unit.repeat(20_000 / unit.length)
      expect(costOf(() => readWhole(text))).toBeLessThan(25 * usual)
    },
    30_000,
  )
})
