import { after } from 'node:test'
import { completeAnswer, composer, say } from './browser.mjs'
import { startEngine } from './engine.mjs'
import { journeys } from './journey.mjs'

const engine = await startEngine()
const journey = journeys({ INFERENCE_URL: engine.url, TITLES: 'off' })
after(() => engine.close())

const picker = (page) => page.locator('main').getByRole('button', { name: /^Model: / })

journey('P132: the chosen model answers, is named under its answer and kept for the conversation', async ({ page }) => {
  await picker(page).click()
  const items = page.getByRole('menuitemradio')
  await items.filter({ hasText: 'tiny-local' }).waitFor()
  // Only what is of that class is called so.
  await items.filter({ hasText: 'trillion-parameter MoE' }).waitFor()
  await items.filter({ hasText: 'tiny-local' }).filter({ hasNotText: 'trillion' }).click()
  await say(page, 'who are you?')
  const answer = await completeAnswer(page)
  await answer.getByText('I am tiny-local.').waitFor()
  await answer.getByText(/^tiny-local/).waitFor()
  await page.reload()
  await page.getByRole('button', { name: 'Model: tiny-local' }).waitFor()
})

journey('another model answers the same question beside the first', async ({ page }) => {
  await say(page, 'who are you?')
  const answer = await completeAnswer(page)
  await answer.getByText('I am kimi-k2-0905-preview.').waitFor()
  await answer.getByRole('button', { name: 'Regenerate' }).click()
  await page.getByRole('menuitem', { name: /^With tiny-local/ }).click()
  await page.getByText('Version 2 of 2').waitFor({ state: 'attached' })
  await (await completeAnswer(page)).getByText('I am tiny-local.').waitFor()
})

journey('the palette chooses a model too', async ({ page }) => {
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill('tiny')
  await page.getByRole('option', { name: 'tiny-local' }).click()
  await composer(page).waitFor()
  await page.getByRole('button', { name: 'Model: tiny-local' }).waitFor()
})
