import assert from 'node:assert/strict'
import { join } from 'node:path'
import { answers, completeAnswer, networkNoise, say, streaming, textOf } from './browser.mjs'
import { journeys } from './journey.mjs'

const journey = journeys({ MODELS_FILE: join(import.meta.dirname, 'fixtures/no-continuation.json') })

journey('kill -9 with an engine that can’t go on: the text is kept and going on is offered', async ({ page, visitor, server }) => {
  visitor.expect(networkNoise)
  await say(page, '/demo tokens 3000\n/demo slow 10ms')
  await streaming(page)
  await page.waitForFunction(() => document.querySelector('article[aria-label="Answer"]').innerText.length > 600)
  await server.kill()
  const seen = await textOf(answers(page).last())
  await server.start()
  const ended = await completeAnswer(page)
  await ended.getByText('The server stopped while writing.').waitFor()
  const kept = await textOf(ended)
  assert.ok(seen.startsWith(kept.slice(0, 200)) && kept.length > 200, 'the stored beginning is kept')
  await ended.getByRole('button', { name: 'Continue' }).click()
  await streaming(page)
  await page.getByRole('button', { name: 'Stop' }).click()
  assert.ok((await textOf(await completeAnswer(page))).startsWith(kept.slice(0, -5)))
})
