/** A piece of text that stays, is new, or goes. */
export interface Run {
  change: 'same' | 'in' | 'out'
  text: string
}

/** A line of the policy in which something changes, or a heading above such lines. */
export interface Block {
  heading: boolean
  runs: Run[]
}

/** What two lists have in common and what not, in order: a longest common subsequence. */
export function diffLists(before: readonly string[], after: readonly string[]): Run[] {
  const width = after.length + 1
  const lengths = new Uint32Array((before.length + 1) * width)
  const at = (row: number, column: number) => lengths[row * width + column] ?? 0
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      lengths[row * width + column] =
        before[row] === after[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1))
    }
  }
  const runs: Run[] = []
  let [row, column] = [0, 0]
  while (row < before.length || column < after.length) {
    const [old, now] = [before[row], after[column]]
    if (old !== undefined && old === now) {
      runs.push({ change: 'same', text: old })
      row++
      column++
    } else if (old !== undefined && (now === undefined || at(row + 1, column) >= at(row, column + 1))) {
      runs.push({ change: 'out', text: old })
      row++
    } else {
      runs.push({ change: 'in', text: now ?? '' })
      column++
    }
  }
  return runs
}

/** Neighbours of one sort become one. */
function joined(runs: readonly Run[]): Run[] {
  const all: Run[] = []
  for (const run of runs) {
    const last = all.at(-1)
    if (last?.change === run.change) last.text += run.text
    else all.push({ ...run })
  }
  return all
}

const marks = /\s*\{#[A-Za-z][\w-]*\}|\*\*/g
const isHeading = (line: string) => /^#{1,3} /.test(line)
const plain = (line: string) => line.replaceAll(marks, '').replace(/^(#{1,3}|-) +/, '')
const words = (line: string) => plain(line).match(/\S+\s*/g) ?? []

/** How much two lines have in common, from 0 to 1. */
function likeness(before: string, after: string): number {
  const [old, now] = [words(before), words(after)]
  const same = diffLists(old, now).filter(({ change }) => change === 'same').length
  return (2 * same) / Math.max(1, old.length + now.length)
}

/** Below that two lines have nothing to do with each other: one goes, another one comes. */
const related = 1 / 3

/** Lines that go and lines that come in their place, like ones side by side. */
function pairs(out: readonly string[], come: readonly string[]): Block[] {
  const left = [...out]
  const blocks: Block[] = []
  for (const line of come) {
    const [best, score] = left.reduce<[number, number]>(
      ([known, most], old, index) => {
        const now = likeness(old, line)
        return now > most ? [index, now] : [known, most]
      },
      [-1, related],
    )
    if (best < 0 || score <= related) {
      blocks.push({ heading: isHeading(line), runs: [{ change: 'in', text: plain(line) }] })
      continue
    }
    for (const gone of left.splice(0, best)) blocks.push({ heading: isHeading(gone), runs: [{ change: 'out', text: plain(gone) }] })
    const [old = ''] = left.splice(0, 1)
    blocks.push({ heading: isHeading(line), runs: joined(diffLists(words(old), words(line))) })
  }
  for (const gone of left) blocks.push({ heading: isHeading(gone), runs: [{ change: 'out', text: plain(gone) }] })
  return blocks
}

/** What changes from one text to the other, line by line and in each word by word, below the headings it stands under. */
export function diffPolicies(before: string, after: string): Block[] {
  const lines = (text: string) => text.split('\n').filter((line) => line.trim() !== '')
  const blocks: Block[] = []
  let heading: Block | null = null
  let [out, come]: [string[], string[]] = [[], []]
  const settle = () => {
    const changed = pairs(out, come)
    if (changed.length > 0) {
      if (heading) blocks.push(heading)
      heading = null
      blocks.push(...changed)
    }
    out = []
    come = []
  }
  for (const { change, text } of diffLists(lines(before), lines(after))) {
    if (change === 'out') out.push(text)
    else if (change === 'in') come.push(text)
    else {
      settle()
      if (isHeading(text)) heading = { heading: true, runs: [{ change: 'same', text: plain(text) }] }
    }
  }
  settle()
  return blocks
}
