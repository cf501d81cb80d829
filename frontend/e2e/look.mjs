// Looks at a page as people with a small screen, without a mouse or without sight would.
import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'

/** Where the pictures of a run are. */
export const pictures = await mkdtemp(join(tmpdir(), 'kimi-pictures-'))
console.log(`pictures: ${pictures}`)

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

async function checkAccess(page, what) {
  // No page has frames of others: one run in the page itself is enough, without a blank page to sum up in.
  // The headings of an answer are the model's: their order is content.
  const axe = new AxeBuilder({ page })
    .options({ resultTypes: ['violations'] })
    .withTags(tags)
    .disableRules(['heading-order'])
    .setLegacyMode()
  const { violations } = await axe.analyze()
  const told = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n   ${failureSummary}`).join('\n  ')}`,
  )
  assert.deepEqual(told, [], what)
}

/** Nothing is wider than the window. */
export async function widthFits(page, what) {
  const extra = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(extra <= 0, `${what} is ${extra} px too wide`)
}

/** Takes a picture once everything stands still, and checks width and accessibility. */
export async function lookAt(page, name) {
  await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null))))
  await page.screenshot({ path: join(pictures, `${name}.png`) })
  await widthFits(page, name)
  await checkAccess(page, name)
}
