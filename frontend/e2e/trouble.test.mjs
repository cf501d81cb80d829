import assert from 'node:assert/strict'
import { answers, completeAnswer, composer, networkNoise, questions, say, streaming, textOf } from './browser.mjs'
import { journeys } from './journey.mjs'

const journey = journeys({ INFERENCE_TOKEN_TIMEOUT: '2s', INFERENCE_FIRST_TOKEN_TIMEOUT: '2s' })

journey('an engine that refuses, breaks off or stalls is named, and trying again works', async ({ page }) => {
  await say(page, '/demo refuse 429')
  const refused = await completeAnswer(page, 1)
  await refused.getByText('The inference engine is busy.').waitFor()
  await refused.getByRole('button', { name: 'Try again' }).waitFor()
  await say(page, '/demo cut')
  const cut = await completeAnswer(page, 2)
  await cut.getByText('The inference engine failed').waitFor()
  assert.notEqual(await textOf(cut), '', 'what came is kept')
  await cut.getByRole('button', { name: 'Continue' }).waitFor()
  await say(page, '/demo stall')
  const stalled = await completeAnswer(page, 3)
  await stalled.getByText('The inference engine stopped sending').waitFor()
  await stalled.getByRole('button', { name: 'Regenerate' }).first().waitFor()
})

journey('an answer cut off by the engine goes on where it stopped', async ({ page }) => {
  await say(page, '/demo refuse 500 html')
  const failed = await completeAnswer(page)
  await failed.getByRole('button', { name: 'Try again' }).click()
  await page.waitForFunction(() => document.querySelector('article[aria-label="Answer"]')?.ariaBusy === 'false')
  assert.equal(await answers(page).count(), 1)
})

journey('what can’t be loaded leaves the page alone; without the app itself the page says so', async ({ page, visitor }) => {
  visitor.expect(/./)
  await composer(page).fill('typed before')
  await page.route('**/assets/palette-dialog-*.js', (route) => route.abort())
  await page.keyboard.press('Control+k')
  await page.getByText('This part can’t be loaded.').waitFor()
  assert.equal(await composer(page).inputValue(), 'typed before')
  await page.unroute('**/assets/palette-dialog-*.js')
  await page.route('**/assets/index-*.js', (route) => route.abort())
  await page.reload()
  await page.getByText('Kimi K2 can’t be loaded.').waitFor()
  await page.unroute('**/assets/index-*.js')
  await page.getByRole('link', { name: 'Reload' }).click()
  await composer(page).waitFor()
  assert.equal(await composer(page).inputValue(), 'typed before')
})

journey('offline in the middle of an answer: it says so calmly, then the answer goes on', async ({ page, visitor }) => {
  visitor.expect(networkNoise)
  await say(page, '/demo tokens 1200\n/demo slow 8ms')
  await streaming(page)
  const seen = await textOf(answers(page).last())
  await visitor.context.setOffline(true)
  await page.getByText('You’re offline.').waitFor()
  await composer(page).fill('typed while offline')
  await visitor.context.setOffline(false)
  await page.getByText('You’re offline.').waitFor({ state: 'detached' })
  const whole = await textOf(await completeAnswer(page))
  assert.ok(whole.startsWith(seen.slice(0, -5)))
  await page.reload()
  assert.equal(await textOf(await completeAnswer(page)), whole)
  assert.equal(await composer(page).inputValue(), 'typed while offline')
})

journey('F28: where websockets are blocked the answer comes over an event stream', async ({ page, visitor }) => {
  visitor.expect(networkNoise)
  await visitor.context.routeWebSocket('**/graphql', (socket) => socket.close({ code: 1006 }).catch(() => socket.close()))
  await page.reload()
  await say(page, '/demo tokens 600\n/demo slow 10ms')
  const stream = page.waitForRequest((request) => request.headers().accept === 'text/event-stream', { timeout: 20_000 })
  await stream
  await completeAnswer(page)
  assert.ok((await textOf(answers(page).last())).length > 500)
})

journey('F28: where streams are held back too the answer is polled', async ({ page, visitor }) => {
  visitor.expect(networkNoise)
  await visitor.context.routeWebSocket('**/graphql', (socket) => socket.close({ code: 1006 }).catch(() => socket.close()))
  await visitor.context.route('**/graphql', (route) =>
    route.request().headers().accept === 'text/event-stream'
      ? route.fulfill({ status: 200, contentType: 'text/html', body: 'proxy' })
      : route.fallback(),
  )
  await page.reload()
  await say(page, '/demo tokens 1500\n/demo slow 10ms')
  await page.waitForRequest((request) => request.postData()?.includes('ReplyProgress') ?? false, { timeout: 30_000 })
  await completeAnswer(page)
  assert.ok((await textOf(answers(page).last())).length > 500)
})

journey(
  'F4: kill -9 of the server in the middle of an answer: the next server goes on with it',
  async ({ page, visitor, server }) => {
    visitor.expect(networkNoise)
    await say(page, '/demo tokens 900\n/demo slow 10ms')
    await streaming(page)
    await page.waitForFunction(() => document.querySelector('article[aria-label="Answer"]').innerText.length > 600)
    await server.kill()
    const seen = await textOf(answers(page).last())
    await page.getByText('Reconnecting…').waitFor()
    await server.start()
    const whole = await textOf(await completeAnswer(page))
    assert.ok(whole.startsWith(seen.slice(0, 200)) && whole.length > seen.length)
    await page.reload()
    assert.equal(await textOf(await completeAnswer(page)), whole)
  },
)

journey('a text that is too long is refused on the page and kept', async ({ page }) => {
  await composer(page).evaluate((area) => {
    const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set
    set.call(area, '文'.repeat(400_000))
    area.dispatchEvent(new InputEvent('input', { bubbles: true }))
  })
  await page.getByText('at most 1 MiB can be sent').waitFor()
  await page.keyboard.press('Enter')
  assert.equal(await questions(page).count(), 0)
  assert.equal((await composer(page).inputValue()).length, 400_000)
})

journey('an unknown conversation and an unknown address say so', async ({ page }) => {
  await page.goto('/c/con_00000000000000000000000000000000')
  await page.getByText('This conversation doesn’t exist.').waitFor()
  await page.goto('/nowhere')
  await page.getByRole('heading', { name: 'There is nothing at this address.' }).waitFor()
  await page.getByRole('link', { name: 'Start a new chat' }).click()
  await composer(page).waitFor()
})
