import type { MoneyState } from './use-money'

/** How something stands: well, to be looked at, wrong, or not known yet. */
export type Standing = 'well' | 'look' | 'wrong' | 'unknown'

/** How something stood when it was looked at, or that this was too long ago. */
export type Dated = Standing | 'old'

/** Milliseconds: the books are checked every hour, payments compared every 15 minutes; twice that and a little is too long. */
const most = { books: 130 * 60_000, payments: 45 * 60_000 }

const isOld = (finishedAt: string, span: number, now: Date) => now.getTime() - Date.parse(finishedAt) > span

/** How the newest check of the books ended. */
export function booksStanding({ checks: [newest] }: Pick<MoneyState, 'checks'>, now: Date): Dated {
  if (!newest) return 'unknown'
  if (!newest.ok) return 'wrong'
  return isOld(newest.finishedAt, most.books, now) ? 'old' : 'well'
}

/** The newest comparison with each provider. */
export function newestComparisons({
  comparisons,
  providers,
}: Pick<MoneyState, 'comparisons' | 'providers'>): MoneyState['comparisons'] {
  const known = [...new Set([...providers, ...comparisons.map(({ provider }) => provider)])]
  return known.flatMap((provider) => comparisons.find((one) => one.provider === provider) ?? [])
}

/** How the payments and the ledger agree: a difference that was put right is worth a look, one that wasn't is wrong. */
export function paymentsStanding(money: Pick<MoneyState, 'comparisons' | 'providers'>, now: Date): Dated {
  const standing = agreement(money)
  const old = newestComparisons(money).some(
    ({ provider, finishedAt }) => money.providers.includes(provider) && isOld(finishedAt, most.payments, now),
  )
  return old && standing !== 'wrong' ? 'old' : standing
}

/** How the newest comparisons ended, however long ago. */
export function agreement(money: Pick<MoneyState, 'comparisons' | 'providers'>): Standing {
  const newest = newestComparisons(money)
  if (newest.length === 0) return 'unknown'
  if (newest.some(({ failure, differences, repaired }) => failure !== '' || differences.length > repaired)) return 'wrong'
  return newest.some(({ differences }) => differences.length > 0) ? 'look' : 'well'
}

/** A fact of a payment: what was expected, what was found. */
export interface FactLine {
  name: string
  expected: string
  found: string
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/**
 * The facts of a payment in quarantine as lines, when they are expected and found values
 * beside each other; null for any other shape, which is shown as it is.
 */
export function factLines(json: string): FactLine[] | null {
  let facts: unknown
  try {
    facts = JSON.parse(json)
  } catch {
    return null
  }
  if (!isObject(facts)) return null
  const { expected, found, ...others } = facts
  if (!isObject(expected) || !isObject(found) || Object.keys(others).length > 0) return null
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])]
  return names.map((name) => ({ name, expected: textOf(expected[name]), found: textOf(found[name]) }))
}
