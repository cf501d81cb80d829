import assert from 'node:assert/strict'
import { completeAnswer, composer, say, streaming } from './browser.mjs'
import { journeys } from './journey.mjs'
import { accountMenu, ask, identify, signIn, signOut } from './people.mjs'

const journey = journeys({}, { signIn: true })

const linked = (page) => page.getByRole('listitem').filter({ has: page.getByRole('button', { name: /^Unlink/ }) })

journey('P11: a second way to sign in is linked, leads to the same account, and is unlinked again', async ({ page, newcomer }) => {
  await signIn(page, 'linking', { provider: 'google' })
  await page.goto('/settings/identities')
  await page.getByText('The last way to sign in can’t be unlinked.').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Unlink Google' }).isDisabled(), true)
  await page.getByRole('link', { name: 'Link GitHub' }).click()
  await identify(page, 'linking-elsewhere')
  await page.getByRole('button', { name: 'Unlink GitHub' }).waitFor()
  assert.equal(await linked(page).count(), 2)
  const own = async (tab) => (await ask(tab, '{viewer{id}}')).data.viewer.id
  const other = await (await newcomer()).open()
  await signIn(other, 'linking-elsewhere', { provider: 'github' })
  assert.equal(await own(other), await own(page), 'the same account')

  await page.getByRole('button', { name: 'Unlink GitHub' }).click()
  await page.getByRole('button', { name: 'Unlink', exact: true }).click()
  await page.getByRole('link', { name: 'Link GitHub' }).waitFor()
  assert.equal(await linked(page).count(), 1)
})

journey('P11: the same address at another provider is never merged: sign in first, then link', async ({ page, newcomer }) => {
  await signIn(page, 'same', { provider: 'google' })
  const other = await newcomer()
  other.expect(/status of 409/)
  const tab = await other.open('/sign-in')
  await tab.getByRole('link', { name: /GitHub/ }).click()
  await identify(tab, 'same')
  await tab.waitForURL(/\/sign-in\?/)
  await tab
    .getByText(/Google/)
    .first()
    .waitFor()
  assert.equal(new URL(tab.url()).searchParams.get('error'), 'same_email')
  assert.equal((await ask(tab, '{viewer{account{id}}}')).data.viewer.account, null)
})

journey('P12: an address that the provider hasn’t verified makes no account', async ({ page, visitor }) => {
  visitor.expect(/status of 403/)
  await page.goto('/sign-in')
  await page.getByRole('link', { name: /Company account/ }).click()
  await identify(page, 'unverified-one')
  await page.waitForURL(/error=email_unverified/)
  assert.equal((await ask(page, '{viewer{account{id}}}')).data.viewer.account, null)
})

journey('who says no at the provider comes back to the sign-in page', async ({ page, visitor }) => {
  visitor.expect(/status of 403/)
  await page.goto('/sign-in')
  await page.getByRole('link', { name: /Google/ }).click()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.waitForURL(/\/sign-in\?.*error=denied/)
  await page.getByRole('link', { name: /Google/ }).waitFor()
})

journey('P15: a device is signed out from another, at once, with its socket', async ({ page, newcomer }) => {
  await signIn(page, 'two-devices')
  const second = await newcomer()
  second.expect(/WebSocket|4403/)
  const tab = await second.open()
  const closed = new Promise((resolve) => {
    tab.on('websocket', (socket) => socket.on('close', () => resolve(performance.now())))
  })
  await signIn(tab, 'two-devices')
  await say(tab, '/demo tokens 2000\n/demo slow 20ms')
  await streaming(tab)

  await page.goto('/settings/sessions')
  await page.getByText('This device').waitFor()
  await page.getByRole('button', { name: /^Sign out Chrome/ }).click()
  const pressed = performance.now()
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  const after = (await closed) - pressed
  assert.ok(after < 1_000, `its socket closed after ${after.toFixed(0)} ms`)
  await tab.waitForURL(/\/sign-in\?error=ended/)
  await page.getByText('No other device is signed in.').waitFor()
  assert.equal((await ask(tab, '{viewer{account{id}}}')).data.viewer.account, null)
})

journey('P34: appearance, language and send key follow the account to another device', async ({ page, newcomer }) => {
  await signIn(page, 'following')
  await page.goto('/settings/appearance')
  await page.getByText('Dark', { exact: true }).click()
  await page.getByText('Ctrl+Enter', { exact: true }).click()
  await page.getByText('中文', { exact: true }).click()
  await page.getByRole('heading', { name: '外观' }).waitFor()
  const kept = async () => (await ask(page, '{viewer{account{theme language sendKey}}}')).data.viewer.account
  await page.waitForFunction(async () => {
    const body = JSON.stringify({ query: '{viewer{account{theme language sendKey}}}' })
    const response = await fetch('/graphql', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
    const { theme, language, sendKey } = (await response.json()).data.viewer.account
    return theme === 'DARK' && language === 'zh' && sendKey === 'MOD_ENTER'
  })
  assert.deepEqual(await kept(), { theme: 'DARK', language: 'zh', sendKey: 'MOD_ENTER' })

  const second = await newcomer()
  const tab = await second.open('/sign-in')
  await tab.getByRole('link', { name: /Google/ }).click()
  await identify(tab, 'following')
  await tab.getByRole('heading', { name: '今天想弄清楚什么？' }).waitFor()
  await tab.waitForFunction(() => document.documentElement.dataset.theme === 'dark')
})

journey('P36: signing out clears drafts, caches and what was on screen', async ({ page, visitor }) => {
  await signIn(page, 'leaving')
  await say(page, 'a secret of mine')
  await completeAnswer(page)
  await composer(page).fill('half a secret')
  await page.waitForFunction(() => Object.values(localStorage).some((value) => value.includes('half a secret')))
  await signOut(page)
  await composer(page).waitFor()
  const left = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))
  assert.doesNotMatch(left, /secret/)
  assert.equal(await page.getByText('a secret of mine').count(), 0)
  assert.equal(await composer(page).inputValue(), '')
  const names = (await visitor.context.cookies()).map(({ name }) => name)
  assert.equal(
    names.some((name) => name.endsWith('sid')),
    false,
  )
  await page.goBack()
  await page.getByRole('link', { name: 'Sign in' }).first().waitFor()
  assert.equal(await page.getByText('a secret of mine').count(), 0)
  // Who has an account has answered, whatever the browser has forgotten.
  await signIn(page, 'leaving')
  await page.getByRole('navigation', { name: 'Conversations' }).getByRole('link', { name: 'a secret of mine' }).waitFor()
})

journey('P110: a name is corrected and a later sign-in doesn’t overwrite it', async ({ page }) => {
  await signIn(page, 'ada')
  await page.goto('/settings/profile')
  const name = page.getByRole('textbox', { name: 'Name' })
  await name.fill('Ada 👩‍🔬 Lovelace')
  await page.getByRole('button', { name: 'Save' }).click()
  await accountMenu(page).filter({ hasText: 'Ada 👩‍🔬 Lovelace' }).waitFor()
  await signOut(page)
  await signIn(page, 'ada')
  await accountMenu(page).filter({ hasText: 'Ada 👩‍🔬 Lovelace' }).waitFor()
  await page.goto('/settings/profile')
  await name.fill('x'.repeat(300))
  await page.getByRole('button', { name: 'Save' }).click()
  await page.locator('[aria-invalid=true]').waitFor()
  assert.equal((await name.inputValue()).length, 300, 'what was typed stays')
})

journey(
  'T9: a key of an old sign-in is confirmed at the provider first, and what was typed is still there',
  async ({ page, visitor }) => {
    visitor.expect(/WebSocket|4403|status of 40\d/)
    await signIn(page, 'key-confirming')
    await page.goto('/settings/keys')
    // The server would ask after ten minutes; here it is made to ask at once, the first time.
    let asked = 0
    await page.route('**/graphql', async (route) => {
      if (!/"expiresAt"/.test(route.request().postData() ?? '') || asked++ > 0) return route.continue()
      const errors = [{ message: 'confirm', extensions: { code: 'REAUTHENTICATION_REQUIRED' } }]
      return route.fulfill({ json: { errors, data: null } })
    })
    await page.getByLabel('What the key is for').fill('nightly report')
    await page.getByLabel('See the models').uncheck()
    await page.getByRole('button', { name: 'Make the key' }).click()
    await page.getByText('This needs a sign-in of the last ten minutes.').waitFor()
    await page.getByRole('link', { name: 'Continue with Google' }).click()
    await identify(page, 'key-confirming')
    await page.getByText('You’re confirmed.').waitFor()
    assert.equal(await page.getByLabel('What the key is for').inputValue(), 'nightly report')
    await page.getByRole('button', { name: 'Make the key' }).click()
    assert.match(await page.getByLabel('Your new key').inputValue(), /^k2_live_/)
    await page.getByText('chat:write usage:read').waitFor()
    assert.equal(asked, 2)
  },
)

journey('P89, P90: an API key is made, shown once, works, and is over as soon as it is revoked', async ({ page, server }) => {
  await signIn(page, 'key-holder')
  await page.goto('/settings/keys')
  await page.getByText('No key is good now.').waitFor()
  await page.getByLabel('What the key is for').fill('nightly report')
  await page.getByRole('button', { name: 'Make the key' }).click()
  const secret = await page.getByLabel('Your new key').inputValue()
  assert.match(secret, /^k2_live_[0-9A-Za-z]{10}_[0-9A-Za-z]{38}$/)
  const call = async () => {
    const answer = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${secret}` },
      body: JSON.stringify({ query: '{viewer{kind}}' }),
    })
    return answer.json()
  }
  assert.equal((await call()).data.viewer.kind, 'API_KEY')
  await page.getByRole('button', { name: 'I have copied it' }).click()
  assert.equal((await page.content()).includes(secret), false, 'the key is not in the page any more')
  await page.getByRole('button', { name: 'Revoke nightly report' }).click()
  await page.getByRole('button', { name: 'Revoke', exact: true }).click()
  await page.getByRole('heading', { name: 'Keys that are over' }).waitFor()
  assert.equal((await call()).errors[0].extensions.code, 'KEY_REVOKED')
})
