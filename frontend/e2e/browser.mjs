// A browser for journeys. Every page is watched: an error in the console, a violated
// content security policy or a request to another host fails the journey.
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const args = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--force-color-profile=srgb',
]

/** How the browser is started. */
export const browserOptions = { executablePath, args }

export const desktop = { width: 1440, height: 900 }
export const phone = { width: 390, height: 844 }

/**
 * How pages are looked at: in the light on a desktop, in the dark on a phone. With LOOKS=all
 * also the other way round, which shows the same colours and the same layouts once more.
 */
export const looks = [
  { colorScheme: 'light', size: 'desktop', viewport: desktop },
  { colorScheme: 'dark', size: 'phone', viewport: phone },
  ...(process.env.LOOKS === 'all'
    ? [
        { colorScheme: 'light', size: 'phone', viewport: phone },
        { colorScheme: 'dark', size: 'desktop', viewport: desktop },
      ]
    : []),
]

/** What was asked of browsers lately, the newest last: where a journey stood when it failed. */
export const steps = []

const logger = {
  isEnabled: (name) => name === 'api',
  log: (_name, _severity, message) => {
    steps.push(`${(performance.now() / 1000).toFixed(1)} s ${message}`)
    if (steps.length > 25) steps.shift()
  },
}

/** Starts it, with further arguments for a world of its own. */
export async function startBrowser(further = []) {
  return chromium.launch({ ...browserOptions, logger, args: [...args, ...further] })
}

/** Answers what is asked of everybody before the first message, without the screen. */
async function passGate(context, url) {
  const ask = async (query, variables = {}) => {
    const response = await context.request.post('/graphql', { data: { query, variables }, headers: { Origin: url } })
    const { data, errors } = await response.json()
    const refused = Object.values(data ?? {}).flatMap((payload) => payload?.userErrors ?? [])
    assert.deepEqual([errors ?? [], refused], [[], []], 'the gate opens')
    return data
  }
  const { viewer } = await ask('{viewer{gate{policyVersion}}}')
  await ask('mutation{ageConfirm(input:{birthYear:1990,birthMonth:5}){userErrors{message}}}')
  const version = viewer.gate.policyVersion
  await ask('mutation($version:String!){policyAccept(input:{version:$version}){userErrors{message}}}', { version })
  await ask('mutation{consentSet(input:{kind:PREFERENCES_COOKIE,granted:false}){userErrors{message}}}')
}

const patience = 20_000

/** Closes a context. Chromium forgets to answer that at times; it goes with its browser then. */
async function shut(context) {
  let bell
  const late = new Promise((resolve) => {
    bell = setTimeout(resolve, patience, 'late')
  })
  const outcome = await Promise.race([context.close(), late])
  clearTimeout(bell)
  if (outcome === 'late') console.log('a context was not closed in time')
}

/**
 * A context of its own: a visitor with his own cookies and storage. He has been asked
 * for age, policy and cookies unless he is `fresh`; `origins` are where he may go beside
 * the server.
 */
export async function newVisitor(browser, { url, viewport = desktop, fresh = false, origins = [], ...options }) {
  const context = await browser.newContext({ baseURL: url, viewport, reducedMotion: 'reduce', ...options })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  if (!fresh) await passGate(context, url)
  const faults = []
  const expected = []
  const known = new Set([new URL(url).origin, ...origins])
  await context.exposeBinding('reportViolation', (_source, text) => faults.push(`policy: ${text}`))
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      globalThis.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`)
    })
  })
  const watch = (page) => {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        faults.push(`console: ${message.text()} ${message.location().url}`)
    })
    page.on('pageerror', (error) => faults.push(`uncaught: ${error.stack}`))
    page.on('request', (request) => {
      const address = new URL(request.url())
      if (!['data:', 'blob:'].includes(address.protocol) && !known.has(address.origin)) faults.push(`foreign: ${request.url()}`)
    })
  }
  context.on('page', watch)
  return {
    context,
    open: async (path = '/') => {
      const page = await context.newPage()
      await page.goto(path)
      await page.locator('main :is(textarea, h1)').first().waitFor()
      return page
    },
    /** Faults that the journey provokes itself, such as a network that is cut. */
    expect: (pattern) => expected.push(pattern),
    /** After a failure: keeps a picture and the complaints, and closes. */
    abandon: async (name) => {
      const picture = join(tmpdir(), `kimi-journey-${name.replace(/\W+/g, '-').slice(0, 60)}.png`)
      await context
        .pages()
        .at(-1)
        ?.screenshot({ path: picture })
        .catch(() => null)
      const places = context.pages().map((page) => page.url())
      console.log(`picture: ${picture}`, places, faults)
      await shut(context)
    },
    close: async () => {
      await shut(context)
      const surprises = faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)))
      assert.deepEqual(surprises, [], 'the page complained')
    },
  }
}

/** What the browser says of a network that a journey cuts. */
export const networkNoise =
  /ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_NETWORK|ERR_FAILED|WebSocket|ERR_INCOMPLETE_CHUNKED/

export function composer(page) {
  return page.getByRole('textbox', { name: 'Message', exact: true })
}

export function answers(page) {
  return page.getByRole('article', { name: 'Answer' })
}

export function questions(page) {
  return page.getByRole('article', { name: 'Your message' })
}

/** Types and sends. */
export async function say(page, text) {
  await composer(page).fill(text)
  await composer(page).press('Enter')
}

/** Waits until the last answer is complete and returns it. */
export async function completeAnswer(page, count) {
  await answers(page)
    .nth((count ?? 1) - 1)
    .waitFor()
  await page.waitForFunction(
    () => [...document.querySelectorAll('article[aria-label="Answer"]')].at(-1)?.ariaBusy === 'false',
    null,
    {
      timeout: 60_000,
    },
  )
  return answers(page).last()
}

/** Waits until an answer is being written and shows text; returns it. */
export async function streaming(page) {
  const busy = page.locator('article[aria-label="Answer"][aria-busy="true"]')
  await busy.locator('.md').last().waitFor()
  return busy
}

/** The text of an answer as a person reads it. */
export async function textOf(answer) {
  return (await answer.locator('.md').first().innerText()).trim()
}

/**
 * Keeps the messages that begin a subscription from the server, on sockets that a page (or a
 * context) opens from now on, until the returned function is called.
 */
export async function holdSubscription(where, operationName) {
  let letGo
  const held = new Promise((resolve) => {
    letGo = resolve
  })
  await where.routeWebSocket('**/graphql', (socket) => {
    const upstream = socket.connectToServer()
    socket.onMessage(async (message) => {
      if (message.includes(`"operationName":"${operationName}"`)) await held
      upstream.send(message)
    })
  })
  return letGo
}
