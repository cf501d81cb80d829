// Journeys of one file share a server and a browser; each has a visitor of its own.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newVisitor, startBrowser, steps } from './browser.mjs'
import { startIdentityProviders } from './identity-provider.mjs'
import { startPayments } from './payments.mjs'
import { startServer } from './server.mjs'

const allowed = 100_000

/** Runs it, and fails when it takes longer: some waits of a browser have no end of their own. */
async function within(milliseconds, run) {
  let bell
  const late = new Promise((_, reject) => {
    bell = setTimeout(() => reject(new Error(`the journey stands still after ${milliseconds / 1000} s`)), milliseconds)
  })
  try {
    await Promise.race([late, run()])
  } finally {
    clearTimeout(bell)
  }
}

/**
 * Starts what a file's journeys need and returns how to write one: `journey(name, run,
 * options)`, where `run` gets `{ page, visitor, server, browser, newcomer }`: `newcomer`
 * makes a further visitor, whose faults count too. With `signIn` there are identity
 * providers as well, with `buying` payment providers.
 */
export function journeys(settings = {}, { signIn = false, buying = false } = {}) {
  const shared = {}
  before(async () => {
    shared.server = await startServer(async (url) => {
      if (signIn) shared.providers = await startIdentityProviders(url)
      if (buying) shared.payments = await startPayments()
      return {
        ...shared.providers?.settings,
        ...shared.payments?.settings,
        ...(typeof settings === 'function' ? await settings() : settings),
      }
    })
    await shared.payments?.deliverTo(shared.server.url)
    shared.browser = await startBrowser(shared.providers?.browser)
  })
  after(async () => {
    await shared.browser?.close()
    await shared.server?.close()
    await shared.providers?.close()
    await shared.payments?.close()
    if (shared.providers) assert.deepEqual([...shared.providers.outside.refused], [], 'P21: the server dials no other host')
  })
  return (name, run, { path, ...options } = {}) => {
    test(name, { timeout: 180_000 }, async () => {
      const visitors = []
      const newcomer = async (more = {}) => {
        const visitor = await newVisitor(shared.browser, {
          url: shared.server.url,
          origins: [...(shared.providers?.origins ?? []), ...(shared.payments?.origins ?? [])],
          ...options,
          ...more,
        })
        visitors.push(visitor)
        return visitor
      }
      try {
        await within(allowed, async () => {
          const visitor = await newcomer()
          await run({ page: await visitor.open(path), visitor, newcomer, ...shared })
        })
      } catch (error) {
        console.log(`${(performance.now() / 1000).toFixed(1)} s, after:`, steps)
        for (const [index, visitor] of visitors.entries()) await visitor.abandon(`${index} ${name}`)
        throw error
      }
      for (const visitor of visitors) await within(allowed, visitor.close)
    })
  }
}
