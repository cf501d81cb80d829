import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { completeAnswer, composer, phone, say, streaming } from './browser.mjs'
import { journeys } from './journey.mjs'
import { lookAt } from './look.mjs'
import { ask, identify, signIn } from './people.mjs'

const journey = journeys({}, { signIn: true })

const deleted = 'Everything that was yours here is deleted.'

/** Opens the form for everything and types what confirms it. */
async function confirm(page, text, { button = 'Delete the account …' } = {}) {
  await page.goto('/settings/data')
  await page.getByRole('button', { name: button }).click()
  await page.getByLabel(`Type ${text} to confirm`).fill(text)
}

const goOn = (page) => page.getByRole('button', { name: 'Delete it for good' }).click()

/** Downloads the receipt of the page, and what the server says of it. */
async function receiptOf(page) {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download the receipt' }).click(),
  ])
  assert.match(download.suggestedFilename(), /^ers_[0-9a-f]{32}\.json$/)
  return readFile(await download.path(), 'utf8')
}

journey(
  'P101, P102: an account is deleted while an answer is written; its other tab is signed out, the receipt can be read and checked, and the same sign-in is new',
  async ({ page, visitor, newcomer, server }) => {
    visitor.expect(/WebSocket|4403|status of 40\d/)
    await signIn(page, 'leaving')
    const before = (await ask(page, '{viewer{id}}')).data.viewer.id
    const other = await newcomer()
    other.expect(/WebSocket|4403|status of 40\d/)
    const tab = await other.open()
    await signIn(tab, 'leaving')
    await say(tab, '/demo tokens 2000\n/demo slow 20ms')
    await streaming(tab)

    await page.goto('/settings/data')
    await page.getByRole('button', { name: 'Delete the account …' }).click()
    await page.getByText('Amounts of payments and charges').waitFor()
    await lookAt(page, 'delete-account')
    const field = page.getByLabel('Type leaving@example.test to confirm')
    await field.fill('somebody@example.test')
    await goOn(page)
    await page.getByText('Type leaving@example.test to go on.').waitFor()
    await field.fill('Leaving@example.test')
    await goOn(page)
    await page.waitForURL(/\/deleted#ers_/)
    await page.getByText(deleted).waitFor()
    await tab.waitForURL(/\/sign-in\?/)
    await lookAt(page, 'deleted')
    assert.equal((await ask(page, '{viewer{account{id}}}')).data.viewer.account, null)
    assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('k2.'))), [])

    const receipt = await receiptOf(page)
    const { receipt: body } = JSON.parse(receipt)
    assert.equal(body.rows.conversations, 1)
    assert.equal(body.left, 0)
    assert.ok(!receipt.includes('leaving'), receipt)
    const check = 'query($receipt:String!){deletionReceiptCheck(receipt:$receipt){valid fault}}'
    const stranger = await (await newcomer({ fresh: true })).open(new URL(page.url()).pathname + new URL(page.url()).hash)
    await stranger.getByText(deleted).waitFor()
    assert.deepEqual((await ask(stranger, check, { receipt })).data.deletionReceiptCheck, { valid: true, fault: null })
    const changed = receipt.replace('"left": 0', '"left": 1')
    assert.deepEqual((await ask(stranger, check, { receipt: changed })).data.deletionReceiptCheck, {
      valid: false,
      fault: 'TAMPERED',
    })
    const file = join(tmpdir(), `${body.id}.json`)
    await writeFile(file, receipt)
    assert.match(await server.run('verify', file), /genuine and unchanged/)

    await signIn(page, 'leaving', { asked: true })
    const after = await ask(page, '{viewer{id conversations{nodes{id}}}}')
    assert.notEqual(after.data.viewer.id, before)
    assert.deepEqual(after.data.viewer.conversations.nodes, [])
  },
)

journey('P101: all conversations go by a typed word, in an open tab too, and the account stays', async ({ page, visitor }) => {
  await signIn(page, 'tidying')
  await say(page, 'one thing')
  await completeAnswer(page)
  const address = page.url()
  const tab = await visitor.open(new URL(address).pathname)
  await tab.getByText('one thing').first().waitFor()
  await page.goto('/settings/data')
  await page.getByRole('button', { name: 'Delete all conversations …' }).click()
  const form = page.getByRole('form', { name: 'Delete all conversations' })
  await form.getByRole('button', { name: 'Delete them for good' }).click()
  await page.getByText('Type DELETE to go on.').waitFor()
  await form.getByLabel('Type DELETE to confirm').fill('delete')
  await lookAt(page, 'delete-conversations')
  await form.getByRole('button', { name: 'Delete them for good' }).click()
  await page.getByText('1 conversation is deleted.').waitFor()
  for (const one of [page, tab]) await one.waitForFunction(() => !document.querySelector('nav a[href^="/c/"]'))
  const { data } = await ask(page, '{viewer{account{id} conversations{nodes{id}}}}')
  assert.ok(data.viewer.account)
  assert.deepEqual(data.viewer.conversations.nodes, [])
})

journey('P101: a guest deletes everything on a phone, by a word and without a sign-in', async ({ page, visitor }) => {
  visitor.expect(/WebSocket|4403/)
  await page.setViewportSize(phone)
  await page.goto('/')
  await say(page, 'as a guest')
  await completeAnswer(page)
  await confirm(page, 'DELETE', { button: 'Delete everything …' })
  await lookAt(page, 'delete-guest-phone')
  await goOn(page)
  await page.getByText(deleted).waitFor()
  await lookAt(page, 'deleted-phone')
  await page.getByRole('button', { name: 'To the start page' }).click()
  await composer(page).waitFor()
  assert.equal((await ask(page, '{viewer{id}}')).data.viewer.id, null)
})

journey('P101: an old sign-in is confirmed at the provider first, and what was typed is still there', async ({ page, visitor }) => {
  visitor.expect(/WebSocket|4403|status of 40\d/)
  await signIn(page, 'confirming')
  // The server would ask after ten minutes; here it is made to ask at once, the first time.
  let asked = 0
  await page.route('**/graphql', async (route) => {
    if (!/"confirmation"/.test(route.request().postData() ?? '') || asked++ > 0) return route.continue()
    const errors = [{ message: 'confirm', extensions: { code: 'REAUTHENTICATION_REQUIRED' } }]
    return route.fulfill({ json: { errors, data: null } })
  })
  await confirm(page, 'confirming@example.test')
  await goOn(page)
  await page.getByText('This needs a sign-in of the last ten minutes.').waitFor()
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await identify(page, 'confirming')
  await page.getByText('You’re confirmed.').waitFor()
  assert.equal(await page.getByLabel(/^Type confirming@/).inputValue(), 'confirming@example.test')
  await goOn(page)
  await page.getByText(deleted).waitFor()
  assert.equal(asked, 2)
})

journey('an address without a deletion says so', async ({ page }) => {
  await page.goto('/deleted#ers_1')
  await page.getByText('There is no such deletion.').waitFor()
  await page.goto('/settings/data')
  await page.getByText('Nothing is kept of you yet').waitFor()
})

journey('P101: in Chinese too', async ({ newcomer }) => {
  const page = await (await newcomer({ locale: 'zh-CN' })).open('/')
  await page.getByRole('textbox').last().fill('你好')
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/c\//)
  await page.goto('/settings/data')
  await page.getByRole('button', { name: '删除全部内容…' }).click()
  await page.getByLabel('输入 DELETE 以确认').fill('DELETE')
  await lookAt(page, 'delete-chinese')
})
