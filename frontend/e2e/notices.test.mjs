import assert from 'node:assert/strict'
import { phone } from './browser.mjs'
import { journeys } from './journey.mjs'
import { lookAt } from './look.mjs'
import { ask, enterAsOperator, operatorLink, signIn } from './people.mjs'

const journey = journeys({}, { signIn: true })

journey(
  'P114, P88: the operator writes news, looks at it and sends it; the link in it ends it',
  async ({ page, newcomer, server }) => {
    await signIn(page, 'reader')
    await page.goto('/settings/privacy')
    await page.getByRole('switch', { name: 'News by e-mail' }).click()
    await page.locator('[role=switch][aria-checked=true]').first().waitFor()
    const operator = await (await newcomer()).open()
    await enterAsOperator(operator, await operatorLink(server))
    await operator.goto('/operator/notices')
    await operator.getByRole('button', { name: 'Write a mail …' }).click()
    await operator.getByRole('button', { name: 'Keep the draft' }).click()
    await operator.locator('[aria-invalid=true]').first().waitFor()
    await operator.getByLabel('Subject', { exact: true }).fill('A new model is here')
    await operator.getByLabel('Text', { exact: true }).fill('It reads a million tokens.\n\nTry it out.')
    await lookAt(operator, 'operator notices, written')
    await operator.getByRole('button', { name: 'Keep the draft' }).click()
    const row = operator.getByRole('listitem').filter({ hasText: 'A new model is here' })
    await row.getByText('1 account would get it now').waitFor()
    await row.getByRole('button', { name: 'A new model is here' }).click()
    await row.getByText('It reads a million tokens.').first().waitFor()
    await row.getByRole('button', { name: 'Send …' }).click()
    await lookAt(operator, 'operator notices')
    await operator.setViewportSize(phone)
    await lookAt(operator, 'operator notices on a phone')
    await row.getByRole('button', { name: 'Send it' }).click()
    await row.getByText('done', { exact: true }).waitFor()

    await operator.goto('/operator/mails')
    const mail = operator
      .getByRole('listitem')
      .filter({ hasText: 'reader@example.test' })
      .filter({ hasText: 'A new model is here' })
    await mail.getByRole('button').first().click()
    const [link] = /https?:\/\/\S+\/unsubscribe\/\w+/.exec(await mail.locator('pre').innerText()) ?? []
    assert.ok(link)
    const anybody = await (await newcomer({ fresh: true })).open()
    await anybody.goto(new URL(link).pathname)
    await lookAt(anybody, 'unsubscribe')
    await anybody.getByRole('button', { name: 'Stop these mails' }).click()
    await anybody.getByRole('heading', { name: 'You get no more mails about news' }).waitFor()
    const { data } = await ask(page, '{ viewer { consents { kind granted } } }')
    assert.deepEqual(
      data.viewer.consents.find(({ kind }) => kind === 'MARKETING'),
      { kind: 'MARKETING', granted: false },
    )
  },
)

journey(
  'P97: a request of an authority is written down and decided, and told to whom it is about',
  async ({ page, newcomer, server }) => {
    await signIn(page, 'suspect')
    const operator = await (await newcomer({ colorScheme: 'dark' })).open()
    await enterAsOperator(operator, await operatorLink(server))
    await operator.goto('/operator/legal')
    await operator.getByText('No authority has asked for anything.').waitFor()
    await operator.getByRole('button', { name: 'Write a request down …' }).click()
    await operator.getByLabel('Account', { exact: true }).fill('suspect@example.test')
    await operator.getByLabel('Authority').fill('District Court of Example')
    await operator.getByLabel('Legal basis').fill('Order of 1 May 2026')
    await operator.getByLabel('Scope').fill('April 2026')
    await operator.getByRole('button', { name: 'Write it down' }).click()
    await operator.getByRole('alert').first().waitFor()
    await operator.getByLabel('Devices').check()
    await operator.getByLabel('Usage and credits').check()
    await operator.getByLabel('Reason').fill('They investigate a fraud.')
    await lookAt(operator, 'operator legal, written')
    await operator.getByRole('button', { name: 'Write it down' }).click()
    const row = operator.getByRole('list', { name: 'Requests of authorities' }).getByRole('listitem')
    await row.getByText('to be decided').waitFor()
    await row.getByLabel('Usage and credits').check()
    await row.getByLabel('Why it is decided so').fill('The order covers no more.')
    await lookAt(operator, 'operator legal')
    await operator.setViewportSize(phone)
    await lookAt(operator, 'operator legal on a phone')
    await row.getByRole('button', { name: 'Decide: give this' }).click()
    await row.getByText('data was given').waitFor()
    await row.getByText('It was told.').waitFor()
    await page.goto('/settings/activity')
    await page.getByRole('main').getByRole('listitem').filter({ hasText: 'Legal request decided' }).first().waitFor()
  },
)

journey(
  'P83: an administrator asks for a conversation, and can neither read nor approve it alone',
  async ({ page, newcomer, server }) => {
    await signIn(page, 'private')
    const sent = await ask(page, 'mutation { messageSend(input: {text: "a secret", clientId: "glass"}) { conversation { id } } }')
    const { id } = sent.data.messageSend.conversation
    const operator = await (await newcomer()).open()
    await enterAsOperator(operator, await operatorLink(server))
    await operator.goto('/operator/legal')
    await operator.getByRole('button', { name: 'Ask for access …' }).click()
    await operator.getByLabel('Account', { exact: true }).fill('private@example.test')
    await operator.getByLabel('Conversations').fill(id)
    await operator.getByLabel('Reason').fill('The owner reported what is in it.')
    await operator.getByRole('button', { name: 'Ask another administrator' }).click()
    const row = operator.getByRole('list', { name: 'Break glass' }).getByRole('listitem')
    await row.getByText('Another administrator has to approve it.').waitFor()
    assert.equal(await row.getByRole('button', { name: /^(Approve|Read)/ }).count(), 0)
    await page.goto('/settings/activity')
    await page.getByRole('main').getByRole('listitem').filter({ hasText: 'Access to conversations asked for' }).waitFor()
    await row.getByRole('button', { name: 'Take it back' }).click()
    await row.getByText('ended').waitFor()
  },
)
