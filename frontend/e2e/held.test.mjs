import assert from 'node:assert/strict'
import { completeAnswer, desktop, phone, say } from './browser.mjs'
import { journeys } from './journey.mjs'
import { lookAt } from './look.mjs'
import { signIn } from './people.mjs'

const journey = journeys({}, { signIn: true })

const open = (page, name) => page.getByRole('button', { name: `${name}: show values` }).click()

const messages = 'Messages and replies, all branches'

journey('P109: everything that is kept about an account is shown, encrypted values opened', async ({ page }) => {
  await signIn(page, 'curious')
  await say(page, 'a canary of a question')
  await completeAnswer(page)
  await page.goto('/settings/profile')
  await page.getByRole('link', { name: 'What we hold' }).click()
  await page.getByRole('heading', { name: 'Your conversations' }).waitFor()
  await open(page, 'Name, e-mail address and preferences')
  await page
    .getByRole('region', { name: 'Name, e-mail address and preferences' })
    .getByText('curious@example.test', { exact: true })
    .waitFor()
  await open(page, messages)
  await page.getByRole('region', { name: messages }).getByText('a canary of a question', { exact: true }).waitFor()
  await open(page, 'Where you are signed in: device, system and browser')
  await page.getByText('the hash of a secret that signs somebody in').waitFor()
  await open(page, 'What was done with your account, keys and data')
  const acts = page.getByRole('region', { name: 'What was done with your account, keys and data' })
  await acts
    .getByText('ACCOUNT_CREATED')
    .or(acts.getByRole('button', { name: 'Show more rows' }))
    .first()
    .waitFor()
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize(desktop)
    await page.getByRole('link', { name: 'Who looked at it and changed it' }).scrollIntoViewIfNeeded()
    await lookAt(page, `what we hold, ${colorScheme}`)
    await page.setViewportSize(phone)
    await lookAt(page, `what we hold on a phone, ${colorScheme}`)
  }
  await page.getByRole('link', { name: 'Who looked at it and changed it' }).click()
  await page.getByRole('heading', { name: 'Activity' }).waitFor()
})

journey('P109: a guest sees what is kept; a visitor that nothing is', async ({ page }) => {
  await page.goto('/settings/held')
  await page.getByText('Nothing is kept here').first().waitFor()
  await page.getByRole('region', { name: 'In this browser' }).getByText('Keeps you signed in.').waitFor()
  assert.equal(await page.getByRole('button', { name: /show values/ }).count(), 0)
  await page.goto('/')
  await say(page, 'a guest asks')
  await completeAnswer(page)
  await page.goto('/settings/held')
  await page.getByText('Kept until 30 days after you were last active').first().waitFor()
  await open(page, messages)
  await page.getByRole('region', { name: messages }).getByText('a guest asks', { exact: true }).waitFor()
})
