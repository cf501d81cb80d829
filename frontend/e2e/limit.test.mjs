import assert from 'node:assert/strict'
import { completeAnswer, composer, questions, say } from './browser.mjs'
import { journeys } from './journey.mjs'

const journey = journeys({ GUEST_MESSAGE_LIMIT: '2' })

journey('P38: a guest sees what is left; at the limit nothing typed is lost', async ({ page }) => {
  await page.getByText('2 messages left as a guest').waitFor()
  await say(page, 'one')
  await completeAnswer(page, 1)
  await page.getByText('1 message left as a guest').waitFor()
  await say(page, 'two')
  await completeAnswer(page, 2)
  await page.getByText('Guests of this installation have 2 messages').waitFor()
  await composer(page).fill('three')
  await composer(page).press('Enter')
  assert.equal(await composer(page).inputValue(), 'three')
  assert.equal(await questions(page).count(), 2)
  await page.getByRole('button', { name: 'Copy my text' }).click()
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'three')
})

journey('P38: a second tab that doesn’t know of the limit gets its text back', async ({ page, visitor }) => {
  const second = await visitor.open()
  await say(page, 'one')
  await completeAnswer(page, 1)
  await say(page, 'two')
  await completeAnswer(page, 2)
  await second.evaluate(() => new Promise(requestAnimationFrame))
  await composer(second).fill('three')
  await composer(second).press('Enter')
  await second.getByText('Guests of this installation have 2 messages').waitFor()
  await second.waitForFunction(() => document.querySelector('main textarea').value === 'three')
})
