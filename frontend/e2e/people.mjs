// What people do to have an account, in words of their own.
import assert from 'node:assert/strict'
import { composer } from './browser.mjs'

const issuers = { google: 'https://accounts.google.com', github: 'https://github.com' }

/** Answers "Who is it?" at a provider. */
export async function identify(page, login) {
  await page.getByRole('heading', { name: 'Who is it?' }).waitFor()
  await page.getByLabel('Login').fill(login)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Answers what is asked of somebody whom the server doesn't know yet. */
export async function answerGate(page) {
  await page.getByLabel('Month').selectOption('5')
  await page.getByLabel('Year').selectOption('1990')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('button', { name: /^Accept and/ }).click()
}

/** Signs in over the sign-in page, and waits for the chat. `discard`: what the guest wrote is to go. */
export async function signInByHand(page, login, { discard = false } = {}) {
  await page.goto('/sign-in')
  if (discard) await page.getByRole('radio', { name: 'Delete them' }).check()
  await page.getByRole('link', { name: /Google/ }).click()
  await identify(page, login)
  await accountMenu(page).waitFor()
  await composer(page).waitFor()
}

/**
 * Signs in with a provider that knows who it is, without the pages on which that is said, and waits
 * for the chat. `asked`: a newcomer whom the gate asks; `menu`: the sidebar is there.
 */
export async function signIn(page, login, { provider = 'google', asked = false, menu = true } = {}) {
  await page.context().addCookies([{ name: 'known', value: login, url: issuers[provider] }])
  await page.goto(`/auth/${provider}?return=/`)
  if (asked) await answerGate(page)
  if (menu) await accountMenu(page).waitFor()
  await composer(page).waitFor()
  await page.context().clearCookies({ name: 'known' })
}

/** The button that says who is signed in; on a phone it is behind the sidebar's button. */
export function accountMenu(page) {
  return page.getByRole('button', { name: /^Account of/ })
}

/** Signs out over the account's menu, and waits for the app to have begun anew. */
export async function signOut(page) {
  await page.evaluate(() => {
    globalThis.signedIn = true
  })
  await accountMenu(page).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.waitForFunction(() => !globalThis.signedIn && document.readyState === 'complete')
  await page.getByRole('link', { name: 'Sign in' }).first().waitFor()
}

/** Asks the server as the page would. */
export function ask(page, query, variables = {}) {
  return page.evaluate(
    async (document) => {
      const body = JSON.stringify(document)
      const response = await fetch('/graphql', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
      return response.json()
    },
    { query, variables },
  )
}

/** A fresh link of the operator's, as an address on this server. */
export async function operatorLink(server) {
  const printed = await server.run('admin', 'sign-in-link')
  const [address] = /https?:\/\/\S+\/auth\/operator\?token=\S+/.exec(printed) ?? []
  assert.ok(address, printed)
  return new URL(address)
}

/** Signs in with a link of the operator's. */
export async function enterAsOperator(page, link) {
  await page.goto(link.pathname + link.search)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await accountMenu(page).waitFor()
  await composer(page).waitFor()
}
