import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { holdSubscription, looks } from './browser.mjs'
import { journeys } from './journey.mjs'
import { lookAt, widthFits } from './look.mjs'
import { ask, signIn } from './people.mjs'

const journey = journeys({}, { signIn: true })

/** Makes a key as the page would; answers its id and what programs send. */
async function makeKey(page, name = 'my program') {
  const made = await ask(
    page,
    'mutation($input:ApiKeyCreateInput!){apiKeyCreate(input:$input){secret apiKey{id} userErrors{message}}}',
    { input: { name, scopes: ['chat:write', 'models:read', 'usage:read'] } },
  )
  const { secret, apiKey } = made.data.apiKeyCreate
  return { id: apiKey.id, secret }
}

/** What a program does: asks with a key. Answers the response, read. */
async function call(server, { secret }, query = '{viewer{kind}}') {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${secret}` },
    body: JSON.stringify({ query }),
  })
  return { status: response.status, id: response.headers.get('x-request-id'), body: await response.json() }
}

/** What a shell prints for a command. */
const shell = (command, env) => promisify(execFile)('bash', ['-c', command], { env: { ...process.env, ...env } })

const rows = (page) => page.locator('.log-row')

journey(
  'P69, P70: a request is in the log as it is made, with all that is kept of it, and nothing else',
  async ({ page, server }) => {
    await signIn(page, 'log-reader')
    const key = await makeKey(page)
    await page.goto('/developers/logs')
    await page.getByText('No request yet.').waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    const first = await call(server, key)
    assert.equal(first.body.data.viewer.kind, 'API_KEY')
    await rows(page).filter({ hasText: 'query viewer' }).waitFor()
    await page.getByRole('button', { name: 'query viewer' }).click()
    await page.getByText(first.id).waitFor()
    await page.getByRole('button', { name: 'Copy the request id' }).click()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), first.id)

    await page.getByRole('button', { name: 'Pause' }).click()
    await call(server, key)
    await page.getByRole('button', { name: '1 new' }).waitFor()
    assert.equal(await rows(page).count(), 1, 'what is read stays where it is')
    await page.getByRole('button', { name: 'Follow' }).click()
    await rows(page).nth(1).waitFor()

    await page.getByLabel('Outcome').selectOption('Failed')
    await page.getByText('No request fits.').waitFor()
    assert.equal(new URL(page.url()).searchParams.get('outcome'), 'FAILED')
    await page.reload()
    await page.getByText('No request fits.').waitFor()
    await page.getByRole('button', { name: 'Show all' }).first().click()
    await rows(page).nth(1).waitFor()
    await page.getByLabel('Key').selectOption({ index: 1 })
    await page.waitForURL((url) => url.searchParams.get('key') === key.id)
    await rows(page).nth(1).waitFor()
    const csv = await page.evaluate(
      async (href) => (await fetch(href)).text(),
      await page.getByRole('link', { name: 'Download as CSV' }).getAttribute('href'),
    )
    const lines = csv.trim().split('\n')
    assert.equal(lines.length, 3, csv)
    assert.ok(csv.includes(first.id))
    assert.doesNotMatch(csv, /127\.0\.0\.1|viewer\{|k2_live/)
  },
)

journey('a request that is logged between the list and the beginning of its stream shows too', async ({ page, server }) => {
  await signIn(page, 'between')
  const key = await makeKey(page)
  const letGo = await holdSubscription(page, 'RequestLogAdded')
  await page.goto('/developers/logs')
  await page.getByText('No request yet.').waitFor()
  await call(server, key)
  const stored = () => ask(page, '{viewer{requestLogs(first:1){nodes{id}}}}')
  while ((await stored()).data.viewer.requestLogs.nodes.length === 0) await page.waitForTimeout(50)
  assert.equal(await rows(page).count(), 0)
  letGo()
  await rows(page).first().waitFor()
})

journey('P77: the figures are those of the log, in the charts as in the table', async ({ page, server }) => {
  await signIn(page, 'figures')
  const key = await makeKey(page)
  await page.goto('/developers/logs')
  await page.getByText('No request yet.').waitFor()
  for (let n = 0; n < 5; n += 1) await call(server, key)
  await rows(page).nth(4).waitFor()
  await page.goto('/developers/analytics?range=24h')
  await page.getByText('5 requests').waitFor()
  const chart = page.getByRole('slider', { name: 'Requests' })
  await chart.focus()
  await page.keyboard.press('End')
  assert.match(await chart.getAttribute('aria-valuetext'), /Succeeded \d/)
  const steps = []
  for (let n = 0; n < 24; n += 1) {
    steps.push(Number(/Succeeded (\d+)/.exec(await chart.getAttribute('aria-valuetext'))[1]))
    await page.keyboard.press('ArrowLeft')
  }
  assert.equal(
    steps.reduce((sum, one) => sum + one, 0),
    5,
  )
  await page.getByRole('button', { name: 'Show as a table' }).click()
  const table = page.getByRole('table', { name: 'Requests over time' })
  const cells = (await table.locator('tfoot td').allInnerTexts()).map((text) => text.trim())
  assert.deepEqual(cells.slice(0, 2), ['5', '0'])
  assert.equal(await page.getByRole('table', { name: 'By key' }).locator('tbody tr').count(), 1)
  await table.locator('tbody a').first().click()
  await page.waitForURL(/\/developers\/logs\?.*from=/)
  await rows(page).first().waitFor()
})

journey(
  'the playground completes, runs a query and follows a subscription, as the session and with a key',
  async ({ page, newcomer }) => {
    await signIn(page, 'player')
    const key = await makeKey(page)
    await page.goto('/graphiql')
    const document = page.getByRole('textbox', { name: 'Document' })
    await document.waitFor()
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByRole('textbox', { name: 'The answer' }).getByText('"ACCOUNT"').waitFor()
    await page.getByText('req_').first().waitFor()

    await page.getByRole('button', { name: 'New document' }).click()
    await document.click()
    await page.keyboard.type('query Mine { vie')
    const completion = page.getByRole('listbox').getByText('viewer').first()
    // While the list is made anew for what was typed last it is shown, but deaf.
    while (!(await document.innerText()).includes('viewer')) await completion.click()
    await page.keyboard.type(' { kind } ')
    await page.getByRole('button', { name: 'API key' }).click()
    assert.equal(await page.getByRole('button', { name: 'Run', exact: true }).isDisabled(), true, 'there is no key yet')
    await page.getByRole('textbox', { name: 'API key' }).fill(key.secret)
    await document.click()
    await page.keyboard.press('Control+Enter')
    await page.getByRole('textbox', { name: 'The answer' }).getByText('"API_KEY"').waitFor()

    await page.getByLabel('Examples').selectOption('What happens in my account')
    await page.getByRole('button', { name: 'This session' }).click()
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByText('Live', { exact: true }).waitFor()
    const sent = await ask(page, 'mutation($input:MessageSendInput!){messageSend(input:$input){reply{id} userErrors{message}}}', {
      input: { clientId: 'from-the-playground', text: 'hello' },
    })
    assert.deepEqual(sent.data.messageSend.userErrors, [])
    await page
      .getByRole('region', { name: /^Events/ })
      .getByText('ReplyStarted')
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('It is over.').waitFor()

    await page.getByRole('button', { name: 'Copy as curl' }).click()
    const command = await page.evaluate(() => navigator.clipboard.readText())
    assert.match(command, /text\/event-stream/)
    await page.getByRole('button', { name: 'History' }).click()
    await page.getByRole('region', { name: 'History' }).getByText('Mine').waitFor()
    await page.getByRole('button', { name: 'Schema' }).click()
    await page.getByLabel('Search the schema').fill('messageSend')
    await page.getByRole('button', { name: /Mutation.messageSend/ }).click()
    await page.getByText('chat:write').first().waitFor()

    const everywhere = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]))
    for (const place of [everywhere, command]) assert.equal(place.includes(key.secret.slice(-20)), false, 'a key is kept nowhere')
    const guest = await (await newcomer()).open('/graphiql')
    await guest.getByRole('button', { name: 'Run', exact: true }).click()
    await guest
      .getByRole('textbox', { name: 'The answer' })
      .getByText(/ANONYMOUS|GUEST/)
      .waitFor()
  },
)

journey(
  'chat completions are tried with a key of an hour: streamed, with tokens, cost, limits and the request’s id; the program for a shell answers the same',
  async ({ page, visitor, newcomer, server }) => {
    visitor.expect(/status of 401/)
    await signIn(page, 'rest-player')
    await page.goto('/graphiql')
    await page.getByRole('link', { name: 'Chat completions' }).click()
    await page.waitForURL(/\/developers\/completions/)
    const run = page.getByRole('button', { name: 'Run', exact: true })
    assert.equal(await run.isDisabled(), true, 'there is no key yet')
    await page.getByRole('button', { name: 'Make one for an hour' }).click()
    await page.getByText('Good until').waitFor()
    const key = await page
      .getByRole('textbox', { name: 'API key' })
      .or(page.getByLabel('API key', { exact: true }))
      .inputValue()
    await page.getByLabel('Message', { exact: true }).fill('hello')
    await page.keyboard.press('Control+Enter')
    const result = page.getByRole('region', { name: 'Result' })
    await result.getByText('200', { exact: true }).waitFor()
    await result.getByText('Written').waitFor()
    await result.getByText('Requests left').waitFor()
    const answer = await result.getByRole('region', { name: 'The answer' }).innerText()
    assert.ok(answer.trim().length > 0)
    await result.getByText(/^Cost/).waitFor()
    await result.getByRole('button', { name: 'As it came' }).click()
    await result.getByText('[DONE]').waitFor()
    await result.getByRole('button', { name: 'Headers' }).click()
    await result.getByText('x-ratelimit-remaining-requests').waitFor()
    const id = await result.getByRole('link').innerText()
    assert.match(id, /^req_/)

    const code = page.getByRole('region', { name: 'The request as a program' })
    await code.getByRole('button', { name: 'Copy code' }).click()
    const command = await page.evaluate(() => navigator.clipboard.readText())
    assert.ok(command.includes(`${server.url}/v1/chat/completions`), command)
    const { stdout } = await shell(command, { KIMI_API_KEY: key })
    assert.match(stdout, /data: \[DONE\]/)
    for (const language of ['Node', 'Python', 'Go']) {
      await code.getByRole('button', { name: language, exact: true }).click()
      assert.equal((await code.innerText()).includes(key.slice(-20)), false)
    }

    await page.getByLabel('Stream the answer').uncheck()
    await page.getByLabel('Temperature').fill('9')
    assert.equal(await run.isDisabled(), true, 'a temperature that can’t be')
    await page.getByLabel('Temperature').fill('0.5')
    await page.getByRole('button', { name: 'Answer', exact: true }).click()
    await run.click()
    await result.getByText('200', { exact: true }).waitFor()
    await result.getByText('Ended').waitFor()
    await page.getByLabel('API key', { exact: true }).fill('k2_live_wrong')
    await run.click()
    await result.getByText('401', { exact: true }).waitFor()
    await result.getByRole('alert').waitFor()
    const everywhere = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]))
    assert.equal(everywhere.includes(key.slice(-20)), false, 'a key is kept nowhere')

    await page.goto('/developers/logs')
    await rows(page).filter({ hasText: 'POST /v1/chat/completions' }).first().waitFor()
    await page.goto('/developers/keys')
    await page.getByText('Playground', { exact: true }).last().waitFor()
    const guest = await (await newcomer()).open('/developers/completions')
    await guest.getByLabel('Message', { exact: true }).waitFor()
    assert.equal(await guest.getByRole('button', { name: 'Make one for an hour' }).count(), 0)
  },
)

journey('a quick start is copied with the address of this installation and no key', async ({ page, server }) => {
  await page.goto('/developers/quick-starts')
  const tabs = page.getByRole('tab')
  await tabs.first().waitFor()
  const count = await tabs.count()
  assert.ok(count >= 6, `${count} quick starts`)
  await tabs.first().focus()
  await page.keyboard.press('ArrowDown')
  assert.equal(await tabs.nth(1).getAttribute('aria-selected'), 'true')
  await page.waitForURL(/start=/)
  for (let n = 0; n < count; n += 1) {
    await tabs.nth(n).click()
    await page.getByRole('tabpanel').getByRole('button', { name: 'Copy code' }).first().click()
    const set = await page.evaluate(() => navigator.clipboard.readText())
    assert.ok(set.includes(server.url), set)
    assert.doesNotMatch(await page.getByRole('tabpanel').innerText(), /\{\{|k2_live_[0-9A-Za-z]{10}_/)
  }
})

journey('guests are told where an account is needed, and may read and try the rest', async ({ page }) => {
  await page.goto('/developers')
  await page.getByRole('heading', { level: 1, name: 'Developers' }).waitFor()
  for (const path of ['logs', 'analytics', 'keys']) {
    await page.goto(`/developers/${path}`)
    const link = page.locator('main').getByRole('link', { name: 'Sign in' })
    assert.equal(await link.getAttribute('href'), `/sign-in?return=${encodeURIComponent(`/developers/${path}`)}`)
  }
  await page.goto('/developers/nowhere')
  await page.getByRole('heading', { level: 1 }).waitFor()
  assert.equal(await page.getByRole('navigation', { name: 'Developers' }).count(), 0)
})

const pages = {
  overview: '/developers',
  keys: '/developers/keys',
  logs: '/developers/logs',
  analytics: '/developers/analytics',
  playground: '/graphiql',
  completions: '/developers/completions',
  starts: '/developers/quick-starts',
}

for (const { colorScheme, size, viewport } of looks) {
  const options = { colorScheme, viewport, hasTouch: size === 'phone', isMobile: size === 'phone' }
  journey(
    `the developers’ pages are accessible in ${colorScheme} on a ${size}, and fit every width`,
    async ({ page, server }) => {
      await signIn(page, `developing-${size}-${colorScheme}`, { menu: size !== 'phone' })
      const key = await makeKey(page)
      for (let n = 0; n < 3; n += 1) await call(server, key)
      await call(server, key, '{nothing}')
      await page.goto('/developers/logs')
      await rows(page).nth(3).waitFor()
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(path)
        await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' })
        await settled(page, name)
        await lookAt(page, `developers-${name}-${size}-${colorScheme}`)
        if (size === 'phone') continue
        for (const width of [390, 768, 1024, 1280]) {
          await page.setViewportSize({ ...viewport, width })
          await widthFits(page, `${name} at ${width}`)
        }
        await page.setViewportSize(viewport)
      }
    },
    options,
  )
}

/** Waits until a page shows what it is for. */
async function settled(page, name) {
  if (name === 'overview') await page.getByRole('region', { name: 'The last 24 hours' }).waitFor()
  if (name === 'keys') await page.getByRole('button', { name: 'Make the key' }).waitFor()
  if (name === 'logs') await rows(page).first().getByRole('button').click()
  if (name === 'analytics') await page.getByRole('slider').first().waitFor()
  if (name === 'playground') {
    await page.getByRole('button', { name: 'Schema' }).click()
    await page.getByRole('region', { name: 'Schema' }).getByText('Query', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByRole('textbox', { name: 'The answer' }).waitFor()
  }
  if (name === 'completions') {
    await page.getByRole('button', { name: 'Make one for an hour' }).click()
    await page.getByText('Good until').waitFor()
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByText('Ended').waitFor()
    await page.getByRole('region', { name: 'The request as a program' }).locator('[class^="hl-"]').first().waitFor()
  }
  if (name === 'starts') await page.getByRole('tabpanel').locator('[class^="hl-"]').first().waitFor()
}
