import { looks } from './browser.mjs'
import { journeys } from './journey.mjs'
import { lookAt } from './look.mjs'
import { signIn } from './people.mjs'

const journey = journeys({}, { signIn: true })

const titles = {
  profile: 'Profile',
  appearance: 'Appearance',
  sessions: 'Devices',
  identities: 'Ways to sign in',
  keys: 'API keys',
  privacy: 'Privacy choices',
}

for (const { colorScheme, size, viewport } of looks) {
  const options = { colorScheme, viewport, hasTouch: size === 'phone', isMobile: size === 'phone' }
  journey(
    `sign-in, policy and settings are accessible in ${colorScheme} on a ${size}`,
    async ({ page }) => {
      const look = (name) => lookAt(page, `${name}-${size}-${colorScheme}`)
      await page.goto('/sign-in')
      await page.getByRole('link', { name: /Google/ }).waitFor()
      await look('sign-in')
      await page.goto('/privacy')
      await page.getByRole('heading', { level: 2 }).first().waitFor()
      await look('policy')
      await signIn(page, `looking-${size}-${colorScheme}`, { menu: size !== 'phone' })
      for (const [path, title] of Object.entries(titles)) {
        await page.goto(`/settings/${path}`)
        await page.getByRole('heading', { level: 1, name: title }).waitFor()
        await page.locator('section, fieldset').first().waitFor()
        await look(`account-${path}`)
      }
      await page.goto('/settings/identities')
      await page.getByRole('link', { name: 'Link GitHub' }).waitFor()
    },
    options,
  )
}

journey(
  'the gate’s questions and the question about cookies are accessible',
  async ({ page }) => {
    await page.getByRole('region', { name: 'Cookies' }).waitFor()
    await lookAt(page, 'cookies')
    await page.locator('main textarea').fill('hello')
    await page.keyboard.press('Enter')
    await page.getByLabel('Month').selectOption('5')
    await page.getByLabel('Year').selectOption('1990')
    await lookAt(page, 'age')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('button', { name: 'Accept and send' }).waitFor()
    await lookAt(page, 'acceptance')
  },
  { fresh: true },
)
