import assert from 'node:assert/strict'
import { completeAnswer, desktop, phone, say, textOf } from './browser.mjs'
import { kept } from './declared.mjs'
import { journeys } from './journey.mjs'
import { lookAt } from './look.mjs'
import { answerGate, signIn } from './people.mjs'

const journey = journeys({}, { signIn: true })

/** Shares the conversation on show over its menu, and returns the link's path. */
async function share(page, { agree = false, name = false } = {}) {
  await page
    .getByRole('button', { name: /^Options for/ })
    .last()
    .click()
  await page.getByRole('menuitem', { name: 'Share by link' }).click()
  const dialog = page.getByRole('dialog')
  if (name) await dialog.getByLabel('Show my name').check()
  await dialog.getByRole('button', { name: agree ? 'Agree and make the link' : 'Make the link' }).click()
  const field = dialog.getByLabel('The link')
  await field.waitFor()
  const { pathname } = new URL(await field.inputValue())
  assert.match(pathname, /^\/s\/[\w-]{32}$/)
  return pathname
}

/** Opens a link as somebody with no cookies who has never been here. */
async function reader(newcomer, look, path) {
  const visitor = await newcomer({ fresh: true, ...look })
  visitor.expect(/status of 410/)
  const page = await visitor.context.newPage()
  await page.goto(path)
  await page.getByRole('heading', { level: 1 }).waitFor()
  return page
}

journey(
  'P87, P96: an account shares what is on show, and a stranger reads it as it was, without leaving a trace',
  async ({ page, newcomer }) => {
    await signIn(page, 'sharing')
    await say(page, 'Show me **every** mark: a table, code and a formula')
    const answer = await textOf(await completeAnswer(page))
    await page
      .getByRole('button', { name: /^Options for/ })
      .last()
      .click()
    await page.getByRole('menuitem', { name: 'Share by link' }).click()
    await page.getByRole('button', { name: 'Agree and make the link' }).waitFor()
    await lookAt(page, 'share-dialog')
    await page.keyboard.press('Escape')
    const path = await share(page, { agree: true, name: true })
    await lookAt(page, 'share-link')
    await page.getByRole('button', { name: 'Copy the link' }).click()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), new URL(path, page.url()).href)
    await page.getByRole('button', { name: 'Done' }).click()
    await say(page, 'what comes later')
    await completeAnswer(page, 2)

    for (const { viewport, colorScheme } of [
      { viewport: desktop, colorScheme: 'light' },
      { viewport: phone, colorScheme: 'dark' },
    ]) {
      const strange = await reader(newcomer, { viewport, colorScheme }, path)
      assert.equal(await textOf(strange.getByRole('article', { name: 'Answer' })), answer)
      assert.equal(await strange.getByText('what comes later').count(), 0)
      await strange.getByText(/^Shared by .*, as it was on/).waitFor()
      assert.equal(await strange.locator('meta[name="robots"]').getAttribute('content'), 'noindex, nofollow, noarchive')
      await strange.locator('.md-code [class^="hl-"]').first().waitFor() // the code is coloured
      await lookAt(strange, `shared-${colorScheme}`)
      const left = await kept(strange)
      assert.deepEqual([left.cookie, left.localStorage, left.databases, left.caches], [[], [], [], []])
    }
  },
)

journey(
  'P107: a stranger takes a copy along that stays when the link is taken back and opens nothing any more',
  async ({ page, newcomer }) => {
    await page.setViewportSize(phone)
    await page.emulateMedia({ colorScheme: 'dark' })
    await signIn(page, 'lending', { menu: false })
    await say(page, 'a short one')
    await completeAnswer(page)
    await page
      .getByRole('button', { name: /^Options for/ })
      .last()
      .click()
    await page.getByRole('menuitem', { name: 'Share by link' }).click()
    await page.getByRole('button', { name: 'Agree and make the link' }).waitFor()
    await lookAt(page, 'share-dialog-phone')
    await page.keyboard.press('Escape')
    const path = await share(page, { agree: true })
    await page.getByRole('button', { name: 'Done' }).click()

    const strange = await reader(newcomer, {}, path)
    await strange.getByRole('link', { name: 'Continue from here' }).first().click()
    await strange.getByRole('heading', { level: 1, name: 'Continue a shared conversation' }).waitFor()
    await lookAt(strange, 'shared-continue')
    await strange.getByRole('button', { name: 'Make my copy' }).click()
    await answerGate(strange)
    await strange.waitForURL(/\/c\/con_/)
    await strange.getByText('a short one').first().waitFor()
    await say(strange, 'and now mine')
    await completeAnswer(strange, 2)

    await page.goto('/settings/data')
    await page.getByRole('region', { name: 'Shared links' }).getByRole('listitem').waitFor()
    await lookAt(page, 'share-list')
    await page.getByRole('button', { name: /^Take the link to/ }).click()
    await page.getByRole('button', { name: 'Take back', exact: true }).click()
    await page.getByText('Nothing is shared.').waitFor()
    const late = await reader(newcomer, { viewport: phone, colorScheme: 'dark' }, path)
    await late.getByRole('heading', { name: 'This link no longer opens' }).waitFor()
    await lookAt(late, 'shared-gone')
    await strange.reload()
    await strange.getByText('and now mine').first().waitFor()
  },
)

journey(
  'P41, P96: guests are not offered to share; in Chinese a shared conversation is in Chinese; a link that never was says so',
  async ({ page, newcomer }) => {
    await say(page, 'hello')
    await completeAnswer(page)
    await page
      .getByRole('button', { name: /^Options for/ })
      .last()
      .click()
    await page.getByRole('menuitem', { name: 'Rename' }).waitFor()
    assert.equal(await page.getByRole('menuitem', { name: 'Share by link' }).count(), 0)
    const visitor = await newcomer({ fresh: true, locale: 'zh-CN', viewport: phone })
    visitor.expect(/status of 404/)
    const other = await visitor.context.newPage()
    await other.goto(`/s/${'A'.repeat(32)}`)
    await other.getByRole('heading', { level: 1, name: '没有这个链接' }).waitFor()
    await lookAt(other, 'shared-unknown')
  },
)
