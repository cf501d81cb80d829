import assert from 'node:assert/strict'
import { completeAnswer, composer, say } from './browser.mjs'
import { journeys } from './journey.mjs'

const journey = journeys()

journey('P31: a walk through the whole app leaves exactly the declared cookies and keys', async ({ page, visitor }) => {
  await say(page, 'hello')
  await completeAnswer(page)
  await composer(page).fill('a draft')
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill('hello')
  await page.getByRole('option').first().waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Settings' }).click()
  await page.getByText('Dark', { exact: true }).click()
  await page.getByText('中文', { exact: true }).click()
  await page.keyboard.press('Escape')
  await page.goto('/nowhere')
  await page.goto('/')
  await composer2(page).waitFor()
  const kept = await page.evaluate(async () => ({
    local: Object.keys(localStorage).toSorted(),
    session: Object.keys(sessionStorage),
    databases: (await indexedDB.databases()).map(({ name }) => name),
    caches: await caches.keys(),
  }))
  const declared = /^(k2\.prefs|k2\.outbox|k2\.draft\.(new|(con|msg)_\w+))$/
  assert.deepEqual(
    kept.local.filter((key) => !declared.test(key)),
    [],
  )
  assert.ok(kept.local.includes('k2.prefs'))
  assert.ok(kept.local.some((key) => key.startsWith('k2.draft.')))
  assert.deepEqual([kept.session, kept.databases, kept.caches], [[], [], []])
  const cookies = await visitor.context.cookies()
  assert.deepEqual(
    cookies.map(({ name, httpOnly, sameSite }) => ({ name: name.replace('__Host-', ''), httpOnly, sameSite })),
    [{ name: 'guest', httpOnly: true, sameSite: 'Lax' }],
  )
})

function composer2(page) {
  return page.getByRole('textbox', { name: '消息', exact: true })
}
