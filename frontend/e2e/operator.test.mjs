import assert from 'node:assert/strict'
import { phone } from './browser.mjs'
import { journeys } from './journey.mjs'
import { lookAt } from './look.mjs'
import { accountMenu, answerGate, enterAsOperator, operatorLink, signIn } from './people.mjs'

const journey = journeys({}, { signIn: true })

journey('a new operator is asked for age and policy first, and the link still works', async ({ newcomer, server }) => {
  const visitor = await newcomer({ fresh: true })
  const page = await visitor.open()
  const link = await operatorLink(server)
  await page.goto(link.pathname + link.search)
  await answerGate(page)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await accountMenu(page).waitFor()
  // Who has answered isn't asked again, whatever the browser has forgotten.
  const again = await (await newcomer({ fresh: true })).open()
  await enterAsOperator(again, await operatorLink(server))
})

journey('the operator signs in with a link of the terminal, which works once', async ({ page, visitor, newcomer, server }) => {
  visitor.expect(/status of 40\d/)
  const link = await operatorLink(server)
  // What only looks into a link burns nothing.
  assert.equal((await fetch(server.url + link.pathname + link.search, { redirect: 'manual' })).status < 400, true)
  await enterAsOperator(page, link)
  await accountMenu(page).click()
  await page.getByRole('menuitem', { name: 'Operator' }).click()
  await page.getByRole('heading', { name: 'Outbox' }).waitFor()
  const other = await newcomer()
  other.expect(/status of 40\d/)
  const tab = await other.open()
  await tab.goto(link.pathname + link.search)
  await tab.getByRole('button', { name: 'Sign in' }).click()
  await tab.waitForURL(/error=link_expired/)
})

journey(
  'P110: a new address is confirmed by the mail that the operator can read, and the old one is told',
  async ({ page, newcomer, server }) => {
    await signIn(page, 'moving')
    await page.goto('/settings/profile')
    const email = page.getByRole('textbox', { name: 'E-mail address' })
    assert.equal(await email.inputValue(), 'moving@example.test')
    await email.fill('moved@example.test')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('A mail is on its way to').waitFor()
    assert.equal(await email.inputValue(), 'moving@example.test', 'it counts only when it is confirmed')

    const operator = await (await newcomer()).open()
    await enterAsOperator(operator, await operatorLink(server))
    await operator.goto('/operator/mails')
    await operator.getByText('No mail server is set').waitFor()
    const mail = operator.getByRole('listitem').filter({ hasText: 'moved@example.test' })
    await mail.getByRole('button').first().click()
    const text = await mail.locator('pre').innerText()
    const [address] = /https?:\/\/\S+\/auth\/email\?token=[\w-]+/.exec(text) ?? []
    assert.ok(address, text)

    const anywhere = await (await newcomer()).open()
    await anywhere.goto(new URL(address).pathname + new URL(address).search)
    await anywhere.getByRole('button', { name: 'Confirm' }).click()
    await anywhere.getByRole('heading', { name: 'The new address is confirmed' }).waitFor()
    await page.reload()
    await page.waitForFunction(() => document.querySelector('input[type=email]')?.value === 'moved@example.test')
    await operator.reload()
    await operator.getByRole('listitem').filter({ hasText: 'moving@example.test' }).first().waitFor()
  },
)

journey('the outbox is for operators only', async ({ page }) => {
  await signIn(page, 'curious')
  await page.goto('/operator/mails')
  await page.getByText('This page is for whoever runs this installation.').waitFor()
})

journey(
  'P123: an account is removed by the operator, named twice and with a reason; its open page is signed out',
  async ({ page, newcomer, server }) => {
    await signIn(page, 'child')
    const operator = await (await newcomer()).open()
    await enterAsOperator(operator, await operatorLink(server))
    await accountMenu(operator).click()
    await operator.getByRole('menuitem', { name: 'Operator' }).click()
    await operator.getByRole('link', { name: 'People' }).click()
    const account = operator.getByLabel('Account', { exact: true })
    await account.fill('nobody@example.test')
    await operator.getByRole('button', { name: 'Remove …' }).click()
    await operator.getByText('Choose why.').waitFor()
    await operator.getByLabel('The same once more').fill('nobody@example.test')
    await operator.getByLabel('Its owner turned out to be too young').check()
    const goOn = async () => {
      await operator.getByRole('button', { name: 'Remove …' }).click()
      await operator.getByRole('button', { name: 'Remove it for good' }).click()
    }
    await goOn()
    await operator.getByText('No account has this id or address.').waitFor()
    await account.fill('child@example.test')
    await goOn()
    await operator.locator('[aria-invalid=true]').waitFor()
    assert.equal(await account.inputValue(), 'child@example.test', 'what was typed stays')
    await operator.getByLabel('The same once more').fill('child@example.test')
    await lookAt(operator, 'operator-people')
    await goOn()
    await operator.getByText('The account is removed.').first().waitFor()
    await operator.setViewportSize(phone)
    await lookAt(operator, 'operator-people-phone')
    await page.getByRole('link', { name: 'Sign in' }).first().waitFor()
  },
)

journey(
  'P46: the operator sees what is not kept, what ends when, and confirms what is held',
  async ({ page, newcomer, server }) => {
    await page.goto('/')
    const operator = await (await newcomer()).open()
    await enterAsOperator(operator, await operatorLink(server))
    await operator.goto('/operator/retention')
    await operator.getByText('Everything that is over is gone.').waitFor()
    const rules = operator.getByRole('list', { name: 'Rules of retention' })
    const sessions = rules.getByRole('listitem').filter({ hasText: 'Sessions of accounts' })
    await sessions.getByText('Kept for 30 days, 7 days without use').waitFor()
    await sessions.getByText(/^\d+ rows? ends? within 30 days$/).click()
    await sessions.getByRole('table', { name: 'What ends when' }).getByRole('cell', { name: /^\d+$/ }).first().waitFor()
    await lookAt(operator, 'operator-retention')
    // As if far more than usual would go; the server knows better.
    await operator.route('**/graphql', async (route) => {
      const response = await route.fetch()
      const answer = await response.json()
      for (const rule of answer.data?.operator?.retention ?? []) {
        if (rule.table !== 'mails') continue
        const since = new Date().toISOString()
        const until = new Date(Date.now() + 86_400_000).toISOString()
        rule.hold = {
          __typename: 'RetentionHolding',
          kind: 'MANY',
          since,
          due: 5120,
          usual: 1000,
          until,
          confirmable: true,
          confirmedAt: null,
        }
      }
      await route.fulfill({ response, json: answer })
    })
    await operator.reload()
    await operator.getByText('1 rule is held').waitFor()
    await operator.getByText('5,120 rows would go, where 1,000 at most are usual.').waitFor()
    await operator.getByRole('button', { name: /^Confirm: Mails/ }).click()
    await operator.setViewportSize(phone)
    await lookAt(operator, 'operator-retention-held-phone')
    await operator.emulateMedia({ colorScheme: 'dark' })
    await lookAt(operator, 'operator-retention-held-phone-dark')
    await operator.getByRole('button', { name: 'Confirm …' }).last().click()
    await operator.getByRole('alert').waitFor()
    await operator.unrouteAll({ behavior: 'wait' })
  },
)
