import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { completeAnswer, phone, say } from './browser.mjs'
import { journeys } from './journey.mjs'
import { lookAt } from './look.mjs'
import { ask, signIn } from './people.mjs'
import { unzip } from './zip.mjs'

const journey = journeys({}, { signIn: true })

/** Makes an export and downloads it. */
async function exported(page) {
  await page.goto('/settings/data')
  await page.getByRole('button', { name: 'Make an export' }).click()
  const link = page.getByRole('link', { name: /^Download the export/ }).first()
  await link.waitFor()
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()])
  assert.match(download.suggestedFilename(), /^export-\d{4}-\d\d-\d\d\.zip$/)
  return { path: await download.path(), address: new URL(await link.evaluate((one) => one.href)).pathname }
}

/** Chooses a file to import. */
async function bring(page, file) {
  await page.goto('/settings/data')
  await page.getByRole('button', { name: 'Choose a file …' }).waitFor()
  await page.getByLabel('File to import').setInputFiles(file)
}

journey(
  'P111, P113: an account takes everything along in a file that only it can fetch; somebody else brings the file, and has the conversation',
  async ({ page, newcomer }) => {
    await signIn(page, 'exporting')
    await say(page, 'How do boats float?')
    await completeAnswer(page)
    const { path, address } = await exported(page)
    await lookAt(page, 'export-ready')
    const files = unzip(await readFile(path))
    const { tables } = JSON.parse(files.get('data.json'))
    assert.equal(tables.messages.length, 2)
    assert.equal(tables.messages[0].text_sealed, 'How do boats float?')
    for (const name of [/^index\.html$/, /^manifest\.json$/, /^conversations\/00001-.*\.md$/]) {
      assert.ok(
        [...files.keys()].some((one) => name.test(one)),
        `${name} is not among ${[...files.keys()].join(' ')}`,
      )
    }

    const visitor = await newcomer({ fresh: true })
    visitor.expect(/status of 40\d/)
    const other = await visitor.open()
    await signIn(other, 'importing', { asked: true })
    assert.equal(await other.evaluate(async (one) => (await fetch(one)).status, address), 404)
    await bring(other, path)
    await other.getByText('1 conversation was imported, with 2 messages.').waitFor()
    await lookAt(other, 'import-done')
    const { data: has } = await ask(other, '{viewer{conversations{nodes{title lastMessage{text}}}}}')
    assert.equal(has.viewer.conversations.nodes.length, 1)
    await other.locator('nav a[href^="/c/"]').first().click()
    await other.getByText('How do boats float?').first().waitFor()
  },
)

journey(
  'P111, P115: a guest exports and imports on a phone; what is no export is refused with a reason',
  async ({ page, visitor }) => {
    visitor.expect(/status of 400/)
    await page.setViewportSize(phone)
    await page.goto('/')
    await say(page, 'as a guest')
    await completeAnswer(page)
    const { path } = await exported(page)
    const raw = await readFile(path)
    await bring(page, { name: 'picture.json', mimeType: 'application/json', buffer: Buffer.from('{"a": 1}') })
    await page.getByText('This is no export of Kimi K2, ChatGPT or Open WebUI.').waitFor()
    await bring(page, { name: 'export.zip', mimeType: 'application/zip', buffer: raw })
    await page.getByText('1 conversation was imported, with 2 messages.').waitFor()
    await lookAt(page, 'export-import-phone')
  },
)
