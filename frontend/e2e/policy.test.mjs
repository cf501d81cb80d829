import assert from 'node:assert/strict'
import { phone } from './browser.mjs'
import { journeys } from './journey.mjs'
import { lookAt } from './look.mjs'
import { signIn } from './people.mjs'

const journey = journeys({}, { signIn: true })

const [old, next] = ['2025-01-01.1', '2099-01-01.1']

/** Answers as a server with one version more, which changes one figure and counts from 2099 on. */
async function publish(page) {
  const known = { version: next, effectiveAt: '2099-01-01T00:00:00Z' }
  let accepted = false
  await page.route('**/graphql', async (route) => {
    const asked = JSON.parse(route.request().postData() ?? '{}')
    const isNext = asked.variables?.version === next
    if (isNext) asked.variables.version = null
    const accepts = asked.variables?.input?.version === next
    if (accepts) asked.variables.input.version = old
    const response = await route.fetch({ postData: JSON.stringify(asked) })
    const body = await response.json()
    const { policyVersions, policy, viewer } = body.data ?? {}
    if (policyVersions) policyVersions.unshift({ ...policyVersions[0], ...known })
    if (isNext) Object.assign(policy, known, { text: policy.text.replace('for 90 days. {#C-RET', 'for 60 days. {#C-RET') })
    accepted ||= accepts
    if (viewer?.gate && 'news' in viewer.gate && !accepted)
      viewer.gate.news = { __typename: 'PolicyNews', ...known, significant: true, inForce: false }
    await route.fulfill({ response, json: body })
  })
}

journey('P124: the policy shows all its versions, and word by word what one changes', async ({ page }) => {
  await publish(page)
  await page.goto('/privacy')
  await page.getByRole('heading', { level: 1, name: 'Privacy policy' }).waitFor()
  await page.getByRole('region', { name: 'All versions' }).getByText(next).waitFor()
  await lookAt(page, 'policy with versions')
  await page.getByRole('region', { name: 'All versions' }).getByRole('link', { name: 'what it changed that matters' }).click()
  await page.getByRole('heading', { level: 1, name: `What changes with version ${next}` }).waitFor()
  assert.deepEqual(await page.locator('article ins').allInnerTexts(), ['60'])
  assert.deepEqual(await page.locator('article del').allInnerTexts(), ['90'])
  await page.getByRole('heading', { name: 'How long we keep it' }).waitFor()
  await lookAt(page, 'policy changes')
  await page.setViewportSize(phone)
  await lookAt(page, 'policy changes on a phone')
  await page.getByRole('link', { name: 'Read all of it' }).click()
  await page.getByText('This version doesn’t count yet: it does from January 1, 2099 on.').waitFor()
  await page.unrouteAll({ behavior: 'ignoreErrors' })
})

journey('P124: in Chinese the policy is a translation, with the English text one click away', async ({ newcomer }) => {
  const visitor = await newcomer({ locale: 'zh-CN', colorScheme: 'dark' })
  const page = await visitor.open('/privacy')
  await page.getByRole('heading', { level: 1, name: '隐私政策' }).waitFor()
  await page.getByText('这是译文，以英文原文为准。').waitFor()
  await lookAt(page, 'policy in Chinese')
  await page.getByRole('button', { name: '显示英文原文' }).click()
  await page.getByRole('heading', { level: 1, name: 'Privacy policy' }).waitFor()
})

journey('P127: a new version is told over the page until it is accepted', async ({ page }) => {
  await signIn(page, 'told')
  await publish(page)
  await page.goto('/')
  const news = page.getByRole('region', { name: 'The privacy policy changes' })
  await news.getByText('January 1, 2099').waitFor()
  await lookAt(page, 'policy news')
  await page.setViewportSize(phone)
  await lookAt(page, 'policy news on a phone')
  assert.equal(await news.getByRole('link', { name: 'Read what changes' }).getAttribute('href'), `/privacy?changes=${next}`)
  await news.getByRole('button', { name: 'Accept' }).click()
  await news.waitFor({ state: 'detached' })
  await page.unrouteAll({ behavior: 'ignoreErrors' })
})
