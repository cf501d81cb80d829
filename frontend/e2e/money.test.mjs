import assert from 'node:assert/strict'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { completeAnswer, composer, looks, phone, questions, say } from './browser.mjs'
import { startEngine } from './engine.mjs'
import { journeys } from './journey.mjs'
import { lookAt } from './look.mjs'
import { accountMenu, ask, enterAsOperator, operatorLink, signIn } from './people.mjs'

// An answer of 700 tokens or so costs about 0.4 credits; beginning one needs 0.512.
const answer = Array.from({ length: 350 }, (_, n) => `word${n % 10} and`).join(' ')
const model = {
  id: 'kimi-k2-0905-preview',
  name: 'Kimi K2',
  engineId: 'kimi-k2-0905-preview',
  family: 'kimi',
  contextTokens: 32_768,
  maxOutputTokens: 4096,
  price: { input: 0, cachedInput: 0, output: 500_000_000 },
  default: true,
}

let engine = null
const journey = journeys(
  async () => {
    engine = await startEngine({ text: answer, perSecond: 2000 })
    const file = join(await mkdtemp(join(tmpdir(), 'kimi-models-')), 'models.json')
    await writeFile(file, JSON.stringify({ models: [model], unknown: { contextTokens: 8192, maxOutputTokens: 4096 } }))
    return { INFERENCE_URL: engine.url, MODELS_FILE: file, TITLES: 'off' }
  },
  { signIn: true, buying: true },
)
after(() => engine?.close())

const chip = (page) => page.getByRole('link', { name: /^Balance:/ })

/** Chooses a pack on the billing page and goes to pay. */
async function choose(page, pack, provider = 'Stripe') {
  await page.getByRole('radio', { name: new RegExp(pack) }).check({ force: true })
  await page.getByRole('button', { name: new RegExp(`with ${provider}$`) }).click()
  await page.getByRole('button', { name: 'Pay', exact: true }).waitFor()
}

async function pay(page) {
  await page.getByRole('button', { name: 'Pay', exact: true }).click()
  await page.waitForURL(/\/billing\/return/)
}

/** What the server says can be spent. */
async function available(page) {
  const { data } = await ask(page, '{viewer{credits{available}}}')
  return data.viewer.credits.available
}

journey(
  'P51: credits are bought with Stripe, spent to the last that is enough, refused with a way to buy, and nothing typed is lost',
  async ({ page, visitor }) => {
    await signIn(page, 'buyer')
    const other = await visitor.open('/')
    assert.match(await chip(other).getAttribute('aria-label'), /^Balance: 0 credits/)
    await page.goto('/billing')
    await choose(page, 'Sip')
    await pay(page)
    await page.getByText('1 credit is yours.', { exact: true }).waitFor()
    // The other tab learns of it by itself.
    await other.getByRole('link', { name: 'Balance: 1 credit' }).waitFor()

    await say(other, 'first')
    await completeAnswer(other, 1)
    await other
      .getByRole('button', { name: /credits: how they come about/ })
      .first()
      .waitFor()
    while (Number(await available(other)) >= 0.512) {
      const count = await questions(other).count()
      await say(other, 'more')
      await completeAnswer(other, count + 1)
    }
    const before = await questions(other).count()
    const address = new URL(other.url()).pathname
    await say(other, 'what I typed with care')
    await other.getByText('Not enough credits for this. Nothing was sent.').waitFor()
    await other.getByText(/credits have to be there to begin/).waitFor()
    await other.waitForFunction(() => document.querySelector('main textarea').value === 'what I typed with care')
    assert.equal(await questions(other).count(), before)
    await lookAt(other, 'refused-for-credits')

    await other.getByRole('link', { name: 'Buy credits' }).click()
    await choose(other, 'Cup', 'Creem')
    await pay(other)
    await other.getByText('5 credits are yours.').waitFor()
    await other.goto(address)
    await other.waitForFunction(() => document.querySelector('main textarea').value === 'what I typed with care')
    await composer(other).press('Enter')
    await completeAnswer(other, before + 1)

    // Every charge is explained, and all of them make the balance.
    await other.goto('/billing')
    const movements = other.getByRole('region', { name: 'Every movement' })
    await movements.getByText('Answer', { exact: false }).first().click()
    await movements.getByText('written').first().waitFor()
    const { data } = await ask(other, '{viewer{credits{balance} ledgerEntries(first:100){nodes{amount}}}}')
    const micro = (amount) => Math.round(Number(amount) * 1e6)
    const sum = data.viewer.ledgerEntries.nodes.reduce((all, { amount }) => all + micro(amount), 0)
    assert.equal(sum, micro(data.viewer.credits.balance))
  },
)

journey('the return page grants nothing: it waits for the provider’s word, and says so', async ({ page, payments, server }) => {
  await payments.deliverTo(null)
  await signIn(page, 'waiting')
  await page.goto('/billing')
  await choose(page, 'Sip')
  await pay(page)
  await page.getByText('Waiting for Stripe').waitFor()
  await accountMenu(page).waitFor()
  assert.equal(await available(page), '0')
  await lookAt(page, 'waiting-for-payment')
  await payments.deliverTo(server.url)
  await page.getByText('1 credit is yours.', { exact: true }).waitFor({ timeout: 60_000 })
  assert.equal(await available(page), '1')
})

journey('two clicks make one checkout, and a purchase that is another’s isn’t shown', async ({ page, newcomer }) => {
  await signIn(page, 'double')
  await page.goto('/billing')
  await page.getByRole('radio', { name: /Sip/ }).check({ force: true })
  await page.getByRole('button', { name: /with Stripe$/ }).dblclick()
  await page.getByRole('button', { name: 'Pay', exact: true }).waitFor()
  await page.goto('/billing')
  await page.getByText('not paid yet').waitFor()
  const { data } = await ask(page, '{viewer{payments{nodes{id}}}}')
  assert.equal(data.viewer.payments.nodes.length, 1)
  const stranger = await (await newcomer()).open()
  await signIn(stranger, 'stranger')
  await stranger.goto(`/billing/return?purchase=${data.viewer.payments.nodes[0].id}`)
  await stranger.getByText('This purchase isn’t known here').waitFor()
})

journey('the threshold of the low balance is kept, and wrong input is told with the field', async ({ page }) => {
  await signIn(page, 'careful')
  await page.goto('/billing')
  const field = page.getByLabel('Low is below')
  await field.fill('a lot')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Write a number of credits').waitFor()
  assert.equal(await field.inputValue(), 'a lot')
  await field.fill('0,5')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
  await page.reload()
  await page.waitForFunction(() => [...document.querySelectorAll('input')].some(({ value }) => value === '0.5'))
})

for (const { colorScheme, size, viewport } of looks) {
  const options = { colorScheme, viewport, hasTouch: size === 'phone', isMobile: size === 'phone' }
  journey(
    `billing, usage and costs are accessible in ${colorScheme} on a ${size}`,
    async ({ page }) => {
      const look = (name) => lookAt(page, `${name}-${size}-${colorScheme}`)
      await signIn(page, `looking-${size}-${colorScheme}`, { menu: size !== 'phone' })
      await page.goto('/billing')
      await choose(page, 'Cup')
      await pay(page)
      await page.getByText('5 credits are yours.').waitFor()
      await look('bought')
      await page.goto('/')
      await composer(page).fill('hello')
      await page.getByRole('button', { name: 'Send' }).click()
      await completeAnswer(page, 1)
      await chip(page).waitFor()
      await page.getByRole('button', { name: /credits: how they come about/ }).click()
      await page.getByText('written').first().waitFor()
      await look('cost')
      await page.goto('/billing')
      const movements = page.getByRole('region', { name: 'Every movement' })
      await movements.locator('summary').first().click()
      if (size !== 'phone') await accountMenu(page).waitFor()
      await look('billing')
      await page.goto('/usage')
      await page.getByRole('heading', { name: 'By model' }).waitFor()
      await look('usage')
    },
    options,
  )
}

journey('billing needs an account, and says so', async ({ page }) => {
  await page.goto('/billing')
  await page.getByText('This page belongs to an account').waitFor()
  assert.equal(await accountMenu(page).count(), 0)
})

journey(
  'the operator gives credits with a reason that their owner reads, checks the books and compares the payments',
  async ({ page, newcomer, server }) => {
    await signIn(page, 'gifted')
    const operator = await (await newcomer()).open()
    await enterAsOperator(operator, await operatorLink(server))
    await accountMenu(operator).click()
    await operator.getByRole('menuitem', { name: 'Operator' }).click()
    await operator.getByRole('link', { name: 'Money' }).click()
    await operator.getByLabel('Account', { exact: true }).fill('gifted@example.test')
    await operator.getByLabel('Credits', { exact: true }).fill('2.5')
    await operator.getByLabel('Reason').fill('for your patience')
    await operator.getByRole('button', { name: 'Review' }).click()
    await operator.getByRole('button', { name: 'Give 2.5 credits' }).click()
    await operator.getByText('The balance of gifted@example.test is now').waitFor()
    // Its owner sees it at once, and why.
    await page.getByRole('link', { name: /^Balance: 2.5 credits/ }).click()
    await page.getByRole('region', { name: 'Every movement' }).getByText('for your patience').waitFor()

    await operator.getByRole('button', { name: 'Check now' }).click()
    await operator.getByText('Every invariant holds ·').waitFor()
    await operator.getByRole('button', { name: 'Compare now' }).click()
    await operator.getByRole('list', { name: 'Comparisons' }).getByText('agree').first().waitFor()
    await lookAt(operator, 'operator-money')
    await operator.setViewportSize(phone)
    await lookAt(operator, 'operator-money-phone')
  },
)

journey(
  'P55: a payment of another amount waits in quarantine, brings nothing until the operator decides, and then what was decided',
  async ({ page, visitor, newcomer, payments, server }) => {
    await signIn(page, 'halved')
    const other = await visitor.open('/')
    const operator = await (await newcomer()).open()
    await enterAsOperator(operator, await operatorLink(server))
    const halved = (webhook) => webhook.replaceAll(/"(amount\w*)":(\d+)/g, (_, name, amount) => `"${name}":${amount / 2}`)
    await payments.whileChanged(server.url, halved, async () => {
      for (const pack of ['Sip', 'Cup']) {
        await page.goto('/billing')
        await choose(page, pack)
        await pay(page)
        await page.getByText('Waiting for Stripe').waitFor()
      }
      await accountMenu(operator).click()
      await operator.getByRole('menuitem', { name: 'Operator' }).click()
      await operator.getByRole('link', { name: 'Money' }).click()
      await operator.getByText('2 wait for you').waitFor()
    })
    assert.equal(await available(page), '0')
    const waiting = operator.getByRole('list', { name: 'Waiting payments' }).getByRole('listitem')
    const cup = waiting.filter({ has: operator.getByRole('row', { name: 'amountMinor 450 225' }) })
    const sip = waiting.filter({ has: operator.getByRole('row', { name: 'amountMinor 100 50' }) })
    await cup.getByText('Another amount was paid than the pack costs').waitFor()
    await lookAt(operator, 'operator-quarantine')

    // Dismissed: the payer gets nothing.
    await cup.getByRole('button', { name: /^Dismiss evt_/ }).click()
    await cup.getByRole('button', { name: 'Dismiss it', exact: true }).click()
    await operator.getByText('1 waits for you').waitFor()
    assert.equal(await available(page), '0')
    await page.getByText('Waiting for Stripe').waitFor()

    // Credited: the payer's open pages show it at once, as it was ordered.
    await sip.getByRole('button', { name: /^Credit evt_/ }).click()
    await sip.getByRole('button', { name: 'Credit it', exact: true }).click()
    await operator.getByText('none waits', { exact: true }).waitFor()
    await other.getByRole('link', { name: /^Balance: 1 credit/ }).waitFor()
    assert.equal(await available(page), '1')
    await operator.getByRole('button', { name: 'Show decided payments' }).click()
    const decided = operator.getByRole('list', { name: 'Decided payments' })
    await decided.getByText(/^credited ·/).waitFor()
    await decided.getByText(/^dismissed ·/).waitFor()
    await operator.setViewportSize(phone)
    await lookAt(operator, 'operator-quarantine-decided-phone')

    // Both decisions are written down, for the operator and for the payer.
    await operator.goto('/operator/audit')
    const acts = operator.getByRole('listitem').filter({ hasText: 'Quarantined payment decided' })
    await acts.filter({ hasText: 'CREDITED' }).waitFor()
    await acts.filter({ hasText: 'DISMISSED' }).waitFor()
    await page.goto('/settings/activity')
    await page.getByText('Quarantined payment decided').nth(1).waitFor()
    await operator.goto('/operator/money')
    await operator.getByRole('button', { name: 'Check now' }).click()
    await operator.getByText('Every invariant holds ·').waitFor()
  },
)

journey('the operator’s page of money is for operators only', async ({ page }) => {
  await signIn(page, 'nosy')
  await page.goto('/operator/money')
  await page.getByText('This page is for whoever runs this installation.').waitFor()
})
