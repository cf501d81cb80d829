import assert from 'node:assert/strict'
import { after } from 'node:test'
import { answers, completeAnswer, say } from './browser.mjs'
import { startEngine } from './engine.mjs'
import { longAnswer, longAnswerParts } from './fixtures/long-answer.mjs'
import { journeys } from './journey.mjs'

// CPU time of the main thread, not wall time: a busy machine doesn't change it much.
const longestTask = 50
const script = 4_000

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
  const ofName = (...names) => mine.filter(({ name }) => names.includes(name)).map(({ tdur = 0 }) => tdur / 1000)
  return {
    tasks: ofName('RunTask', 'ThreadControllerImpl::RunTask'),
    script: ofName('FunctionCall', 'EvaluateScript').reduce((a, b) => a + b, 0),
  }
}

journey('5,000 tokens of everything stream in without one task of more than 50 ms', async ({ page, browser, server }) => {
  await browser.startTracing(page, { categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'toplevel'] })
  await say(page, 'everything, please')
  await completeAnswer(page)
  const { tasks, script: spent } = tasksOf(await browser.stopTracing(), server.url)
  const slow = tasks.filter((task) => task > longestTask)
  console.log(
    `tasks ${tasks.length}, longest ${Math.max(...tasks).toFixed(1)} ms, script ${spent.toFixed(0)} ms, all ${tasks.reduce((a, b) => a + b, 0).toFixed(0)} ms`,
  )
  assert.ok(
    tasks.some((task) => task > 1),
    'CPU times are in the trace',
  )
  assert.deepEqual(slow, [])
  assert.ok(spent <= script, `script took ${spent} ms`)
  const answer = answers(page).last()
  assert.equal(await answer.locator('.md-code').count(), longAnswerParts.codeBlocks)
  assert.equal(await answer.locator('table').count(), longAnswerParts.tables)
})
