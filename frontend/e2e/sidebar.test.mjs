import assert from 'node:assert/strict'
import { completeAnswer, composer, holdSubscription, questions, say } from './browser.mjs'
import { journeys } from './journey.mjs'

const journey = journeys()

const list = (page) => page.getByRole('navigation', { name: 'Conversations' })
const row = (page, title) => list(page).getByRole('link', { name: title })

/** Waits until exactly these conversations are listed in this order. */
async function order(page, titles) {
  await page.waitForFunction(
    (wanted) => [...document.querySelectorAll('nav a[href^="/c/"]')].map((link) => link.innerText).join('|') === wanted,
    titles.join('|'),
  )
}

async function chatAbout(page, text) {
  await page.getByRole('link', { name: 'New chat' }).click()
  await composer(page).waitFor()
  await say(page, text)
  await completeAnswer(page)
  await row(page, text).waitFor()
}

async function choose(page, title, item) {
  await row(page, title).hover()
  await list(page)
    .getByRole('button', { name: `Options for ${title}` })
    .click()
  await page.getByRole('menuitem', { name: item }).click()
}

journey('a conversation is renamed in place, by menu and by F2, in every tab', async ({ page, visitor }) => {
  await chatAbout(page, 'apples')
  const second = await visitor.open()
  await row(second, 'apples').waitFor()
  await choose(page, 'apples', 'Rename')
  const title = page.getByRole('textbox', { name: 'Title' })
  await title.fill('pears')
  await title.press('Enter')
  await Promise.all([row(page, 'pears').waitFor(), row(second, 'pears').waitFor()])
  await page.getByRole('heading', { name: 'pears' }).waitFor()
  await row(page, 'pears').focus()
  await page.keyboard.press('F2')
  await title.fill('never')
  await title.press('Escape')
  await row(page, 'pears').waitFor()
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'pears', 'the focus is back')
})

journey('what happens while a tab loads, before it hears of events, shows there too', async ({ page, visitor }) => {
  await chatAbout(page, 'apples')
  const letGo = await holdSubscription(visitor.context, 'ViewerEvents')
  const second = await visitor.open()
  await row(second, 'apples').waitFor()
  await choose(page, 'apples', 'Rename')
  const title = page.getByRole('textbox', { name: 'Title' })
  await title.fill('pears')
  await title.press('Enter')
  await row(page, 'pears').waitFor()
  await row(second, 'apples').waitFor()
  letGo()
  await row(second, 'pears').waitFor()
})

journey('a pinned conversation stands first under its heading', async ({ page }) => {
  await chatAbout(page, 'older')
  await chatAbout(page, 'newer')
  await choose(page, 'older', 'Pin')
  await list(page).getByRole('heading', { name: 'Pinned' }).waitFor()
  await order(page, ['older', 'newer'])
  await page.reload()
  await list(page).getByRole('heading', { name: 'Pinned' }).waitFor()
  await choose(page, 'older', 'Unpin')
  await list(page).getByRole('heading', { name: 'Pinned' }).waitFor({ state: 'detached' })
})

journey('a deletion can be undone for five seconds, and is kept when the page goes away', async ({ page }) => {
  await chatAbout(page, 'keep me')
  await chatAbout(page, 'drop me')
  await choose(page, 'keep me', 'Delete')
  await row(page, 'keep me').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Undo' }).click()
  await row(page, 'keep me').waitFor()
  await choose(page, 'drop me', 'Delete')
  await page.getByRole('heading', { name: 'What would you like to think through?' }).waitFor()
  await page.reload()
  await row(page, 'keep me').waitFor()
  await row(page, 'drop me').waitFor({ state: 'detached' })
  await order(page, ['keep me'])
})

journey('an undone deletion is really none, and one that is left is sent', async ({ page, visitor }) => {
  await chatAbout(page, 'gone soon')
  const second = await visitor.open()
  await row(second, 'gone soon').waitFor()
  await choose(page, 'gone soon', 'Delete')
  await row(second, 'gone soon').waitFor({ state: 'detached', timeout: 10_000 })
})

journey('the palette finds text, marks it and jumps to the message', async ({ page }) => {
  await chatAbout(page, 'a walrus on the beach')
  await chatAbout(page, 'something else')
  await page.keyboard.press('Control+k')
  const field = page.getByRole('combobox')
  await field.fill('WALRUS')
  const hit = page.getByRole('option').filter({ has: page.locator('mark', { hasText: 'walrus' }) })
  await hit.first().waitFor()
  await field.press('Enter')
  await questions(page).filter({ hasText: 'a walrus on the beach' }).waitFor()
  await page.waitForFunction(() => !location.search)
})

journey('the palette runs actions by keyboard alone and gives the focus back', async ({ page }) => {
  await composer(page).focus()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill('dark')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark')
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'TEXTAREA')
})
