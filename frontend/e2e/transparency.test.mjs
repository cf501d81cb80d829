import assert from 'node:assert/strict'
import { looks } from './browser.mjs'
import { journeys } from './journey.mjs'
import { lookAt } from './look.mjs'

const journey = journeys()

/** Waits until every check has been made once. */
async function checked(page) {
  await page.goto('/transparency')
  await page.getByTestId('state').waitFor()
  for (let tries = 0; tries < 60; tries++) {
    const { transparency } = await (await page.request.get('/transparency.json')).json()
    if (transparency.checks.every(({ checkedAt }) => !checkedAt.startsWith('0001'))) break
    await page.waitForTimeout(500)
  }
  await page.reload()
  await page.getByTestId('state').waitFor()
}

journey(
  'P1, P94: whoever comes sees at a glance whether the promises are kept, and who gets data',
  async ({ page }) => {
    await page.goto('/privacy')
    await page.getByRole('link', { name: 'See whether it is kept' }).click()
    await page.getByRole('heading', { level: 1, name: 'Transparency' }).waitFor()
    await checked(page)
    assert.match(await page.getByTestId('state').innerText(), /promise/)
    assert.doesNotMatch(await page.getByTestId('state').innerText(), /are broken|is broken\./)
    const guests = page.locator('#C-RET-GUESTS')
    assert.match(await guests.innerText(), /cleared after 30 days without activity/)
    assert.match(await guests.innerText(), /Nothing of any guest is stored|inactive for longest/)
    assert.match(await page.locator('#recipients').innerText(), /Built-in demo engine[\s\S]*nothing leaves it/)
    assert.match(await page.locator('#ways').innerText(), /It does not leave this machine/)
    const { transparency, publicKey } = await (await page.request.get('/transparency.json')).json()
    assert.ok((await page.locator('#proof').innerText()).includes(publicKey))
    assert.equal(await page.locator('main li[id^="C-"]').count(), transparency.clauses.length)
  },
  { fresh: true },
)

for (const { colorScheme, size, viewport } of looks) {
  journey(
    `transparency is accessible in ${colorScheme} on a ${size}`,
    async ({ page }) => {
      await checked(page)
      await lookAt(page, `transparency-${size}-${colorScheme}`)
      await page.locator('#recipients').scrollIntoViewIfNeeded()
      await lookAt(page, `recipients-${size}-${colorScheme}`)
    },
    { colorScheme, viewport, hasTouch: size === 'phone', isMobile: size === 'phone' },
  )
}
