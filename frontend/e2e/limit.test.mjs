import assert from 'node:assert/strict'
import { completeAnswer, composer, questions, say } from './browser.mjs'
import { journeys } from './journey.mjs'
import { accountMenu, identify } from './people.mjs'

const journey = journeys({ GUEST_MESSAGE_LIMIT: '2' }, { signIn: true })

journey('P38: a guest sees what is left; at the limit nothing typed is lost', async ({ page }) => {
  await page.getByText('2 of 2 messages left').waitFor()
  await say(page, 'one')
  await completeAnswer(page, 1)
  await page.getByText('1 of 2 messages left').waitFor()
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

journey('P38: at the limit a guest signs in, and goes on in the same conversation with what was typed', async ({ page }) => {
  await say(page, 'one')
  await completeAnswer(page, 1)
  await say(page, 'two')
  await completeAnswer(page, 2)
  const address = new URL(page.url()).pathname
  await composer(page).fill('three')
  await page.getByRole('link', { name: 'Sign in to go on' }).click()
  await page.getByRole('link', { name: /Google/ }).click()
  await identify(page, 'over-the-limit')
  await accountMenu(page).waitFor()
  assert.equal(new URL(page.url()).pathname, address)
  await page.waitForFunction(() => document.querySelector('main textarea').value === 'three')
  await composer(page).press('Enter')
  await completeAnswer(page, 3)
  assert.equal(await questions(page).count(), 3)
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
