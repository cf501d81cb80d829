import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { browserOptions, completeAnswer, composer, questions, say } from './browser.mjs'
import { journeys } from './journey.mjs'

const journey = journeys()

const shows = (page, text) => page.waitForFunction((wanted) => document.querySelector('main textarea')?.value === wanted, text)

journey('what is typed is there after a reload, and each conversation has its own', async ({ page }) => {
  await say(page, 'first chat')
  await completeAnswer(page)
  await composer(page).fill('half a thought')
  await page.getByRole('link', { name: 'New chat' }).first().click()
  await shows(page, '')
  await composer(page).fill('another thought')
  await page.reload()
  await shows(page, 'another thought')
  await page.getByRole('navigation', { name: 'Conversations' }).getByRole('link', { name: 'first chat' }).click()
  await shows(page, 'half a thought')
})

journey('what is typed survives a crash of the browser', async ({ server }) => {
  const profile = await mkdtemp(join(tmpdir(), 'kimi-profile-'))
  const open = async () => {
    const context = await chromium.launchPersistentContext(profile, { ...browserOptions, baseURL: server.url })
    const page = context.pages()[0] ?? (await context.newPage())
    await page.goto('/')
    await composer(page).waitFor()
    return { context, page }
  }
  const first = await open()
  await composer(first.page).fill('must not be lost')
  await first.page.waitForFunction(() => Object.values(localStorage).some((value) => value.includes('must not be lost')))
  const session = await first.context.newCDPSession(first.page)
  const crashed = first.page.waitForEvent('crash')
  session.send('Page.crash').catch(() => null)
  await crashed
  await first.context.close()
  const second = await open()
  await shows(second.page, 'must not be lost')
  await second.context.close()
  await rm(profile, { recursive: true, force: true })
})

journey('a message stays in storage until the server has it, and is sent once', async ({ page, visitor }) => {
  visitor.expect(/ERR_FAILED/)
  await page.route('**/graphql', (route) => route.abort())
  await say(page, 'sent through a broken line')
  await questions(page).filter({ hasText: 'sent through a broken line' }).waitFor()
  await page.getByText('Not sent yet; trying again').waitFor()
  await page.reload()
  await page.getByText('Not sent yet; trying again').waitFor()
  await page.unroute('**/graphql')
  await completeAnswer(page)
  assert.equal(await questions(page).count(), 1)
  assert.equal(await page.evaluate(() => localStorage.getItem('k2.outbox')), null)
})
