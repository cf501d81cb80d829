import assert from 'node:assert/strict'
import { completeAnswer, composer, questions, say } from './browser.mjs'
import { declared, declaredAs, kept } from './declared.mjs'
import { journeys } from './journey.mjs'
import { accountMenu, answerGate, ask, identify, signIn } from './people.mjs'

const journey = journeys({}, { signIn: true })

const kinds = ['cookie', 'localStorage', 'sessionStorage']

/** Collects what was ever there, page by page: some of it is gone a moment later. */
function collector() {
  const seen = Object.fromEntries(kinds.map((kind) => [kind, new Set()]))
  return {
    seen,
    async look(page) {
      const now = await kept(page)
      assert.deepEqual([now.databases, now.caches], [[], []])
      for (const kind of kinds) for (const name of now[kind]) seen[kind].add(declaredAs(kind, name) ?? `undeclared: ${name}`)
      for (const { name, httpOnly, sameSite } of now.cookies) {
        assert.equal(sameSite, 'Lax', name)
        assert.equal(httpOnly, name !== 'prefs', name)
      }
    },
  }
}

journey(
  'P31: a walk through the whole app leaves exactly the cookies and keys that the policy declares',
  async ({ page, newcomer, server }) => {
    const { seen, look } = collector()
    await look(page)
    await page.getByRole('button', { name: 'Accept', exact: true }).click()
    await page.getByRole('region', { name: 'Cookies' }).waitFor({ state: 'detached' })
    await look(page)
    await page.route('**/graphql', (route) => (route.request().postData()?.includes('MessageSend') ? undefined : route.continue()))
    await composer(page).fill('hello')
    await composer(page).press('Enter')
    await answerGate(page)
    await page.locator('dialog[open]').waitFor({ state: 'detached' })
    await look(page)
    await page.unrouteAll()
    await page.reload()
    await completeAnswer(page)
    await composer(page).fill('a draft')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').fill('hello')
    await page.getByRole('option').first().waitFor()
    await page.keyboard.press('Escape')
    await look(page)
    await page.goto('/sign-in')
    await page.getByRole('link', { name: /Google/ }).click()
    await page.getByRole('heading', { name: 'Who is it?' }).waitFor()
    const away = await page.context().cookies(server.url)
    for (const { name } of away) seen.cookie.add(declaredAs('cookie', name) ?? `undeclared: ${name}`)
    await identify(page, 'walker')
    await accountMenu(page).waitFor()
    await look(page)
    for (const path of ['/developers', '/developers/logs', '/developers/analytics', '/developers/quick-starts', '/graphiql']) {
      await page.goto(path)
      await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' })
      await look(page)
    }
    for (const path of ['profile', 'appearance', 'sessions', 'identities', 'keys', 'privacy']) {
      await page.goto(`/settings/${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await look(page)
    }
    await page.goto('/privacy')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.goto('/transparency')
    await page.getByTestId('state').waitFor()
    await page.goto('/nowhere')
    await page.goto('/')
    await composer(page).waitFor()
    await look(page)
    // What a sign-in keeps that waits for age and policy.
    const waiting = await (await newcomer({ fresh: true })).open('/sign-in')
    await waiting.getByRole('link', { name: /Google/ }).click()
    await identify(waiting, 'waiting')
    await waiting.getByLabel('Month').waitFor()
    await look(waiting)
    const undeclared = kinds.flatMap((kind) => [...seen[kind]].filter((name) => name.startsWith('undeclared')))
    assert.deepEqual(undeclared, [])
    // The keys of a tab without consent, and of a form on its way, have journeys of their own.
    assert.deepEqual(seen.cookie, new Set(declared('cookie')))
    assert.deepEqual(seen.localStorage, new Set(declared('localStorage')))
  },
  { fresh: true },
)

journey(
  'P33: before a choice only what is necessary is kept; who refuses can do everything all the same',
  async ({ page, visitor }) => {
    const necessary = (kind) => new Set(declared(kind, (entry) => entry.necessary))
    const onlyNecessary = async () => {
      const now = await kept(page)
      for (const kind of kinds)
        for (const name of now[kind]) assert.ok(necessary(kind).has(declaredAs(kind, name)), `${kind} ${name}`)
    }
    await onlyNecessary()
    await page.goto('/settings/appearance')
    await page.getByText('Dark', { exact: true }).click()
    await onlyNecessary()
    await page.reload()
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark')
    await page.getByRole('button', { name: 'Only necessary' }).click()
    await page.getByRole('region', { name: 'Cookies' }).waitFor({ state: 'detached' })
    await page.getByText('Ctrl+Enter', { exact: true }).click()
    await onlyNecessary()
    await page.goto('/')
    await composer(page).fill('works without')
    await composer(page).press('Control+Enter')
    await answerGate(page)
    await completeAnswer(page)
    await onlyNecessary()
    // Another tab doesn't know what this one chose: nothing of it was kept.
    const second = await visitor.open()
    assert.equal(await second.evaluate(() => document.documentElement.dataset.theme ?? 'system'), 'system')

    await page.goto('/settings/privacy')
    const preferences = page.getByRole('switch', { name: 'Remember my preferences' })
    assert.equal(await preferences.getAttribute('aria-checked'), 'false')
    await preferences.click()
    await page.waitForFunction(() => document.cookie.includes('prefs='))
    await page.getByText(/^Agreed on/).waitFor()
    await preferences.click()
    await page.waitForFunction(() => !document.cookie.includes('prefs='))
    await onlyNecessary()
  },
  { fresh: true },
)

journey(
  'P121: under the age there is a polite stop, nothing is stored, and trying again at once doesn’t help',
  async ({ page, visitor }) => {
    const year = new Date().getUTCFullYear() - 8
    await composer(page).fill('may I?')
    await composer(page).press('Enter')
    await page.getByLabel('Month').selectOption('5')
    await page.getByLabel('Year').selectOption(String(year))
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText(/You can’t use .* yet/).waitFor()
    await page.getByRole('button', { name: 'Close' }).last().click()
    assert.equal(await composer(page).inputValue(), 'may I?', 'what was typed stays in the browser')
    assert.equal(await questions(page).count(), 0)
    assert.equal((await ask(page, '{viewer{id}}')).data.viewer.id, null, 'nobody is stored')
    // A visitor's guest cookie leads to nothing: it is opaque, and nothing is stored under it.
    const cookies = (await visitor.context.cookies()).map((cookie) => ({ ...cookie, name: declaredAs('cookie', cookie.name) }))
    assert.deepEqual(cookies.map(({ name }) => name).toSorted(), ['gate', 'guest'])
    const hours = (cookies.find(({ name }) => name === 'gate').expires - Date.now() / 1000) / 3600
    assert.ok(hours > 23 && hours <= 24.1, `the cookie stays for ${hours} hours`)
    const again = await ask(page, 'mutation{ageConfirm(input:{birthYear:1990,birthMonth:5}){gate{ageConfirmed}userErrors{code}}}')
    assert.deepEqual(again.data.ageConfirm.userErrors, [{ code: 'AGE_REFUSED' }])
    await page.reload()
    await page.getByText('You can’t send messages here yet.').waitFor()
    await composer(page).press('Enter')
    assert.equal(await composer(page).inputValue(), 'may I?')
    assert.equal((await ask(page, '{viewer{id}}')).data.viewer.id, null)
  },
  { fresh: true },
)

journey(
  'P7: who is asked before the first message answers, and the message goes out once',
  async ({ page }) => {
    await composer(page).fill('hello there')
    await composer(page).press('Enter')
    await answerGate(page)
    await completeAnswer(page)
    assert.equal(await questions(page).count(), 1)
    await page.reload()
    await completeAnswer(page)
    assert.equal(await questions(page).count(), 1)
    await say(page, 'and again')
    await completeAnswer(page, 2)
  },
  { fresh: true },
)

journey('T9: what was typed into the profile is there after the way to the provider', async ({ page }) => {
  await signIn(page, 'old-session')
  await page.goto('/settings/profile')
  await page.route('**/graphql', async (route) => {
    if (!route.request().postData()?.includes('SettingsProfileSave')) return route.continue()
    // Ten minutes can't be waited for here: the server's refusal is put in its place.
    const refusal = { __typename: 'InputError', code: 'REAUTHENTICATION_REQUIRED', message: 'again', field: null }
    const accountUpdate = { __typename: 'AccountUpdatePayload', account: null, userErrors: [refusal] }
    return route.fulfill({ json: { data: { accountUpdate } } })
  })
  await page.getByRole('textbox', { name: 'E-mail address' }).fill('typed@example.test')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await identify(page, 'old-session')
  await page.getByText('You’re confirmed.').waitFor()
  assert.equal(await page.getByRole('textbox', { name: 'E-mail address' }).inputValue(), 'typed@example.test')
  assert.deepEqual((await kept(page)).sessionStorage.includes('k2.form'), false)
  await page.unrouteAll()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('A mail is on its way to').waitFor()
  // The confirmation gave this session a new cookie; it is still the only one.
  assert.equal((await ask(page, '{viewer{sessions{id}}}')).data.viewer.sessions.length, 1)
})
