import assert from 'node:assert/strict'
import { phone } from './browser.mjs'
import { journeys } from './journey.mjs'
import { lookAt } from './look.mjs'
import { accountMenu, ask, enterAsOperator, operatorLink, signIn } from './people.mjs'

const journey = journeys({}, { signIn: true })

const row = (page, text) => page.getByRole('main').getByRole('listitem').filter({ hasText: text })

journey('P84: a sign-in, and a key that is made and revoked, stand in the activity', async ({ page }) => {
  await signIn(page, 'watchful', { provider: 'github' })
  await page.goto('/settings/keys')
  await page.getByLabel('What the key is for').fill('nightly report')
  await page.getByRole('button', { name: 'Make the key' }).click()
  await page.getByRole('button', { name: 'I have copied it' }).click()
  await page.getByRole('button', { name: 'Revoke nightly report' }).click()
  await page.getByRole('button', { name: 'Revoke', exact: true }).click()
  await page.getByRole('heading', { name: 'Keys that are over' }).waitFor()
  await page.getByRole('link', { name: 'Activity' }).click()
  await page.getByRole('heading', { name: 'Activity' }).waitFor()
  await row(page, 'API key revoked').getByText('nightly report').waitFor()
  await row(page, 'API key made')
    .getByText(/^You, Chrome/)
    .waitFor()
  await row(page, 'Signed in').getByText('GitHub').waitFor()
  await row(page, 'Account made').waitFor()
  const order = await page
    .getByRole('main')
    .getByRole('listitem')
    .filter({ has: page.locator('time') })
    .allInnerTexts()
  assert.match(order[0], /API key revoked/)
  await lookAt(page, 'activity')
  await page.setViewportSize(phone)
  await lookAt(page, 'activity on a phone')
})

journey('P84: what the operator does to somebody stands in both lists', async ({ page, newcomer, server }) => {
  await signIn(page, 'given')
  const { account } = (await ask(page, '{viewer{account{id}}}')).data.viewer
  const operator = await (await newcomer()).open()
  await enterAsOperator(operator, await operatorLink(server))
  const input = { clientId: 'e2e', account: account.id, amount: '5', reason: 'a gift' }
  const adjusted = await ask(
    operator,
    'mutation($input: CreditAdjustInput!) { creditAdjust(input: $input) { userErrors { code } } }',
    { input },
  )
  assert.deepEqual(adjusted.data.creditAdjust.userErrors, [])
  await page.goto('/settings/activity')
  await row(page, 'Credits adjusted').getByText('The operator').waitFor()

  await accountMenu(operator).click()
  await operator.getByRole('menuitem', { name: 'Operator' }).click()
  await operator.getByRole('link', { name: 'What was done' }).click()
  await row(operator, 'Credits adjusted').getByText(account.id).waitFor()
  await row(operator, 'Signed in').first().waitFor()
  await operator.getByLabel('Act').selectOption('CREDITS_ADJUSTED')
  await row(operator, 'Signed in').first().waitFor({ state: 'detached' })
  assert.equal(await row(operator, 'Credits adjusted').count(), 1)
  await lookAt(operator, 'what was done')
  await operator.getByLabel('From').fill('2099-01-01')
  await operator.getByText('Nothing of this sort was done.').waitFor()
})
