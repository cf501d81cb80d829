import assert from 'node:assert/strict'
import { answers, completeAnswer, composer, questions, say, streaming, textOf } from './browser.mjs'
import { journeys } from './journey.mjs'

const journey = journeys()

/** Who the server says we are; null when nothing is stored of us. */
function viewerId(page) {
  return page.evaluate(async () => {
    const body = JSON.stringify({ query: '{viewer{id}}' })
    const response = await fetch('/graphql', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
    return (await response.json()).data.viewer.id
  })
}

/** Writes a long conversation without the screen and returns its address. */
function longConversation(page, turns) {
  return page.evaluate(async (count) => {
    const ask = async (query, variables) => {
      const body = JSON.stringify({ query, variables })
      const response = await fetch('/graphql', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
      return (await response.json()).data
    }
    const send = 'mutation($input:MessageSendInput!){messageSend(input:$input){conversation{id}reply{id}userErrors{message}}}'
    let conversationId
    for (let turn = 1; turn <= count; turn++) {
      const input = { clientId: `${Math.random()}`, conversationId, text: `question ${turn}\n/demo tokens 40` }
      const { messageSend } = await ask(send, { input })
      if (!messageSend.reply) throw new Error(JSON.stringify(messageSend))
      conversationId = messageSend.conversation.id
      for (let status = ''; status !== 'COMPLETE'; ) {
        await new Promise((resolve) => setTimeout(resolve, 30))
        status = (await ask('query($id:ID!){node(id:$id){...on Message{status}}}', { id: messageSend.reply.id })).node.status
      }
    }
    return `/c/${conversationId}`
  }, turns)
}

/** Waits until the last answer has so many more characters. */
async function grown(page, by) {
  const length = () => [...document.querySelectorAll('article[aria-label="Answer"]')].at(-1).innerText.length
  const now = await page.evaluate(length)
  await page.waitForFunction(
    (least) => [...document.querySelectorAll('article[aria-label="Answer"]')].at(-1).innerText.length >= least,
    now + by,
  )
}

journey('P37: a visitor leaves no trace until the first message, then an answer streams in', async ({ page }) => {
  assert.equal(await viewerId(page), null)
  await say(page, 'Show me a code example')
  await questions(page).first().waitFor()
  await streaming(page)
  assert.match(page.url(), /\/c\/con_/)
  const answer = await completeAnswer(page)
  assert.match(await textOf(answer), /map in Go/)
  assert.equal((await answer.locator('figure, .md-code').count()) > 0, true)
  assert.match(await viewerId(page), /^\w+$/)
})

journey('F1: a reload in the middle of an answer loses nothing, five times over', async ({ page }) => {
  await say(page, '/demo tokens 1200\n/demo slow 8ms')
  await streaming(page)
  for (let round = 0; round < 5; round++) {
    const seen = await textOf(answers(page).last())
    await page.reload()
    await streaming(page)
    assert.ok((await textOf(answers(page).last())).startsWith(seen.slice(0, -20)), 'what was seen is there again')
  }
  const whole = await textOf(await completeAnswer(page))
  await page.reload()
  assert.equal(await textOf(await completeAnswer(page)), whole)
  assert.equal(await answers(page).count(), 1)
})

journey('a second tab sees the same answer grow, and both agree at the end', async ({ page, visitor }) => {
  await say(page, '/demo tokens 300\n/demo slow 8ms')
  await streaming(page)
  const second = await visitor.open(new URL(page.url()).pathname)
  await streaming(second)
  const [one, two] = await Promise.all([page, second].map(async (tab) => textOf(await completeAnswer(tab))))
  assert.equal(one, two)
  await say(second, 'hello')
  await answers(page).nth(1).waitFor()
  await completeAnswer(page, 2)
})

journey('F2: leaving the chat while it is answered and coming back shows the whole answer', async ({ page }) => {
  await say(page, '/demo tokens 200\n/demo slow 10ms')
  await streaming(page)
  await page.getByRole('link', { name: 'New chat' }).first().click()
  await page.getByRole('heading', { name: 'What would you like to think through?' }).waitFor()
  await page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').first().click()
  await streaming(page)
  await completeAnswer(page)
})

journey('Stop keeps what came; it works by key, in another tab, and the answer can go on', async ({ page, visitor }) => {
  await say(page, '/demo tokens 2000\n/demo slow 10ms')
  await streaming(page)
  await page.keyboard.press('Escape')
  const answer = await completeAnswer(page)
  await answer.getByText('You stopped this answer.').waitFor()
  const kept = await textOf(answer)
  await answer.getByRole('button', { name: 'Continue' }).click()
  await streaming(page)
  const second = await visitor.open(new URL(page.url()).pathname)
  await streaming(second)
  await second.getByRole('button', { name: 'Stop' }).click()
  await completeAnswer(second)
  const stopped = await completeAnswer(page)
  await stopped.getByText('You stopped this answer.').waitFor()
  assert.ok((await textOf(stopped)).startsWith(kept.slice(0, -5)))
})

journey('regenerating keeps both answers, and the switcher goes between them in place', async ({ page }) => {
  await say(page, 'What is this?')
  const first = await textOf(await completeAnswer(page))
  await page.getByRole('button', { name: 'Regenerate' }).click()
  await page.getByText('Version 2 of 2').waitFor({ state: 'attached' })
  await completeAnswer(page)
  await page.getByRole('button', { name: 'Previous version' }).click()
  await page.getByText('Version 1 of 2').waitFor({ state: 'attached' })
  assert.equal(await textOf(answers(page).last()), first)
  await page.getByRole('button', { name: 'Next version' }).click()
  await page.getByText('Version 2 of 2').waitFor({ state: 'attached' })
  assert.equal(await answers(page).count(), 1)
})

journey('an edited question is a branch; arrow up edits the last one', async ({ page }) => {
  await say(page, 'first wording')
  await completeAnswer(page)
  await composer(page).press('ArrowUp')
  const editor = page.getByRole('textbox', { name: 'Edit your message' })
  assert.equal(await editor.evaluate((area) => area === document.activeElement), true)
  await editor.fill('second wording')
  await editor.press('Enter')
  await questions(page).filter({ hasText: 'second wording' }).waitFor()
  await completeAnswer(page)
  assert.equal(await questions(page).count(), 1)
  await page.getByRole('button', { name: 'Previous version' }).first().click()
  await questions(page).filter({ hasText: 'first wording' }).waitFor()
  await page.reload()
  await questions(page).filter({ hasText: 'first wording' }).waitFor()
})

journey('a double click sends once, and what is only blank isn’t sent', async ({ page }) => {
  await composer(page).fill('   \n ')
  await page.getByRole('button', { name: 'Send' }).click({ force: true })
  assert.equal(await questions(page).count(), 0)
  await composer(page).fill('once')
  await page.getByRole('button', { name: 'Send' }).dblclick()
  await completeAnswer(page)
  assert.equal(await questions(page).count(), 1)
  await page.reload()
  await completeAnswer(page)
  assert.equal(await questions(page).count(), 1)
})

journey('a thinking model folds its thoughts to one line', async ({ page }) => {
  await say(page, '/demo script reason 60; text 30; pause 20ms')
  const answer = await completeAnswer(page)
  const line = answer.getByRole('button', { name: /Thought/ })
  await line.waitFor()
  assert.equal(await line.getAttribute('aria-expanded'), 'false')
  await line.click()
  await answer.locator('.md').nth(1).waitFor()
})

journey('the question stays near the top while its answer is short, and looking up stops following', async ({ page }) => {
  await say(page, 'hello')
  await completeAnswer(page)
  await say(page, '/demo tokens 1500\n/demo slow 4ms')
  await questions(page).nth(1).waitFor()
  await streaming(page)
  const question = questions(page).nth(1)
  const view = page.getByRole('log')
  const top = async () => (await question.boundingBox()).y - (await view.boundingBox()).y
  assert.ok((await top()) < 60, `the question is at ${await top()}`)
  await page.waitForFunction(() => {
    const log = document.querySelector('[role=log]')
    return log.scrollHeight - log.clientHeight - log.scrollTop < 2 && log.scrollTop > 800
  })
  await view.hover()
  await page.mouse.wheel(0, -400)
  const place = () => view.evaluate((node) => node.scrollTop)
  await grown(page, 20)
  const still = await place()
  await grown(page, 600)
  assert.equal(await place(), still, 'nothing moves what is being read')
  await page.getByRole('button', { name: 'Latest' }).click()
  await page.waitForFunction(() => {
    const log = document.querySelector('[role=log]')
    return log.scrollHeight - log.clientHeight - log.scrollTop < 2
  })
})

journey('a long conversation opens at its end and loads what is before while nothing jumps', async ({ page }) => {
  await page.goto(await longConversation(page, 26))
  const question = (number) => questions(page).filter({ hasText: new RegExp(`question ${number}\\s`) })
  await question(26).waitFor()
  assert.equal(await questions(page).count(), 20)
  const view = page.getByRole('log')
  await view.evaluate((node) => {
    globalThis.watched = document.querySelectorAll('article[data-message]')[4]
    node.dispatchEvent(new WheelEvent('wheel', { deltaY: -1 }))
    node.scrollTop = 700
  })
  const place = () => page.evaluate(() => Math.round(globalThis.watched.getBoundingClientRect().top))
  await page.evaluate(() => new Promise(requestAnimationFrame))
  const stood = await place()
  await question(1).waitFor({ state: 'attached' })
  assert.ok(Math.abs((await place()) - stood) <= 2, `moved from ${stood} to ${await place()}`)
  await page
    .getByRole('button', { name: /^Options for/ })
    .last()
    .click()
  await page.getByRole('menuitem', { name: 'Copy as Markdown' }).click()
  await page.waitForFunction(async () => (await navigator.clipboard.readText()).includes('question 26'))
  assert.equal((await page.evaluate(() => navigator.clipboard.readText())).match(/## You/g).length, 26)
})
