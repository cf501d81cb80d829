import assert from 'node:assert/strict'
import { answers, completeAnswer, composer, questions, say, streaming, textOf } from './browser.mjs'
import { journeys } from './journey.mjs'
import { accountMenu, answerGate, ask, identify, signInByHand } from './people.mjs'

const journey = journeys({}, { signIn: true })

const row = (page, title) => page.getByRole('navigation', { name: 'Conversations' }).getByRole('link', { name: title })

journey('P43: a guest becomes an account while an answer streams: same conversation, exact text', async ({ page }) => {
  await say(page, '/demo tokens 1200\n/demo slow 10ms')
  await streaming(page)
  const address = new URL(page.url()).pathname
  const seen = await textOf(answers(page).last())
  await page.goto(`/sign-in?return=${address}`)
  await page.getByRole('link', { name: /Google/ }).click()
  await identify(page, 'stream')
  await accountMenu(page).waitFor()
  assert.equal(new URL(page.url()).pathname, address)
  await streaming(page)
  const whole = await textOf(await completeAnswer(page))
  assert.ok(whole.startsWith(seen.slice(0, -5)), 'what was seen is there')
  await page.reload()
  assert.equal(await textOf(await completeAnswer(page)), whole)
  const { data } = await ask(page, '{viewer{kind conversations{nodes{id}}}}')
  assert.equal(data.viewer.kind, 'ACCOUNT')
  assert.deepEqual(
    data.viewer.conversations.nodes.map(({ id }) => `/c/${id}`),
    [address],
  )
})

journey('P43: a guest that signs in to its account brings what it wrote', async ({ page, newcomer }) => {
  await signInByHand(page, 'returning')
  await say(page, 'from the first device')
  await completeAnswer(page)
  const second = await (await newcomer()).open()
  await say(second, 'written as a guest')
  await completeAnswer(second)
  await composer(second).fill('half a thought')
  await signInByHand(second, 'returning')
  await row(second, 'from the first device').waitFor()
  await row(second, 'written as a guest').click()
  await questions(second).filter({ hasText: 'written as a guest' }).waitFor()
  await second.waitForFunction(() => document.querySelector('main textarea')?.value === 'half a thought')
  await row(page, 'written as a guest').waitFor()
})

journey('P43: a guest may leave what it wrote behind', async ({ page }) => {
  await say(page, 'to be forgotten')
  await completeAnswer(page)
  await signInByHand(page, 'discarding', { discard: true })
  const { data } = await ask(page, '{viewer{kind conversations{nodes{id}}}}')
  assert.deepEqual([data.viewer.kind, data.viewer.conversations.nodes], ['ACCOUNT', []])
})

journey(
  'P121: who has no account yet is asked for age and policy once the provider has said so, and is signed in then',
  async ({ page }) => {
    await page.goto('/sign-in')
    await page.getByRole('link', { name: /GitHub/ }).click()
    await identify(page, 'newcomer')
    await page.getByLabel('Month').waitFor()
    const { data } = await ask(page, '{viewer{kind}}')
    assert.equal(data.viewer.kind, 'GUEST', 'nobody is signed in yet')
    await answerGate(page)
    await accountMenu(page).waitFor()
  },
  { fresh: true },
)
