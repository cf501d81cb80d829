// Journeys of one file share a server and a browser; each has a visitor of its own.
import { after, before, test } from 'node:test'
import { newVisitor, startBrowser } from './browser.mjs'
import { startServer } from './server.mjs'

/**
 * Starts what a file's journeys need and returns how to write one: `journey(name, run,
 * options)`, where `run` gets `{ page, visitor, server, browser }`.
 */
export function journeys(settings = {}) {
  const shared = {}
  before(async () => {
    shared.server = await startServer(settings)
    shared.browser = await startBrowser()
  })
  after(async () => {
    await shared.browser?.close()
    await shared.server?.close()
  })
  return (name, run, options = {}) => {
    test(name, { timeout: 120_000 }, async () => {
      const visitor = await newVisitor(shared.browser, { url: shared.server.url, ...options })
      try {
        await run({ page: await visitor.open(options.path), visitor, ...shared })
      } catch (error) {
        await visitor.abandon(name)
        throw error
      }
      await visitor.close()
    })
  }
}
