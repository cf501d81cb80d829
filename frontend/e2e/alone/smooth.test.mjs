import assert from 'node:assert/strict'
import { after } from 'node:test'
import { answers, completeAnswer, say } from '../browser.mjs'
import { startEngine } from '../engine.mjs'
import { longAnswer, longAnswerParts } from '../fixtures/long-answer.mjs'
import { journeys } from '../journey.mjs'

// CPU time of the main thread, in milliseconds. How much CPU time the same work takes depends on
// the machine and on what else it does, so fixed work is measured in the same trace: on the machine
// that the figures are for it takes `yardstick`, and elsewhere the figures grow by as much as it does.
const longestTask = 50
// Two tasks run code that the browser hasn't compiled yet: the first message, and the answer's first piece.
const coldTasks = 2
const longestColdTask = 120
const script = 4_000
const yardstick = 8
const measured = 10

const engine = await startEngine({ text: longAnswer, perSecond: 150 })
const journey = journeys({ INFERENCE_URL: engine.url, TITLES: 'off' })
after(() => engine.close())

/** Milliseconds of CPU of each main-thread task of the page, and of all script in them. */
function tasksOf(trace, url) {
  const { traceEvents } = JSON.parse(trace.toString())
  const started = traceEvents.find(({ name, args }) => name === 'TracingStartedInBrowser' && args.data?.frames)
  const pid = started?.args.data.frames.find((frame) => frame.url.startsWith(url))?.processId
  const main = traceEvents.find(({ name, args, pid: of }) => name === 'thread_name' && args.name === 'CrRendererMain' && of === pid)
  assert.ok(main, 'the trace names the main thread')
  const mine = traceEvents.filter((event) => event.pid === main.pid && event.tid === main.tid && event.ph === 'X')
  const stamps = (message) => traceEvents.filter(({ args }) => args?.data?.message === message).map(({ tts }) => tts / 1000)
  const yards = stamps('yardstick ends').map((end, i) => end - stamps('yardstick begins')[i])
  const ofName = (...names) => mine.filter(({ name }) => names.includes(name)).map(({ tdur = 0 }) => tdur / 1000)
  return {
    tasks: ofName('RunTask'),
    script: ofName('FunctionCall', 'EvaluateScript').reduce((a, b) => a + b, 0),
    slow: slowness(yards),
  }
}

/** Work that is always the same: text is cut, looked at and put together again, as Markdown is. */
async function work(page) {
  await page.evaluate(() => {
    const lines = Array.from({ length: 500 }, (_, i) => `- item **${i}** of \`code\` and ${'words '.repeat(i % 7)}`)
    console.timeStamp('yardstick begins')
    let html = ''
    for (let round = 0; round < 20; round++)
      html = lines.map((line) => line.replace(/\*\*(.+?)\*\*/g, '<b>$1</b>').replace(/`(.+?)`/g, '<code>$1</code>')).join('\n')
    console.timeStamp('yardstick ends')
    return html.length
  })
}

/** Does it often enough to know how fast this machine is now. */
async function measure(page) {
  for (let i = 0; i < measured / 2; i++) await work(page)
}

/** How much slower than the machine of the figures this one was, at least 1; CPU time is dear in bursts. */
function slowness(yards) {
  assert.equal(yards.length, measured, 'the yardsticks are in the trace')
  return Math.max(1, Math.max(...yards) / yardstick)
}

journey('5,000 tokens of everything stream in without one task of more than 50 ms', async ({ page, browser, server }) => {
  await browser.startTracing(page, { categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'toplevel'] })
  await measure(page)
  await say(page, 'everything, please')
  await completeAnswer(page)
  await measure(page)
  const { tasks, script: spent, slow: by } = tasksOf(await browser.stopTracing(), server.url)
  const slow = tasks.filter((task) => task > longestTask * by)
  const cold = slow.length <= coldTasks && slow.every((task) => task <= longestColdTask * by)
  console.log(
    `tasks ${tasks.length}, longest ${Math.max(...tasks).toFixed(1)} ms, script ${spent.toFixed(0)} ms, all ${tasks.reduce((a, b) => a + b, 0).toFixed(0)} ms, this machine ${by.toFixed(2)} x slower`,
  )
  assert.ok(
    tasks.some((task) => task > 1),
    'CPU times are in the trace',
  )
  assert.ok(cold, `too long: ${slow.join(', ')} ms`)
  assert.ok(spent <= script * by, `script took ${spent} ms`)
  const answer = answers(page).last()
  assert.equal(await answer.locator('.md-code').count(), longAnswerParts.codeBlocks)
  assert.equal(await answer.locator('table').count(), longAnswerParts.tables)
})
