import type { ActPartsFragment } from '@/gql/graphql'
import { microOf } from '@/lib/credits'

export type Act = Omit<ActPartsFragment, ' $fragmentName'>

/** Tokens that cost the same. */
export interface CostLine {
  kind: 'read' | 'cached' | 'written'
  tokens: number
  /** For a million of them. */
  price: string
  /** Tokens times price, not rounded up yet. */
  credits: number
}

/** What an act is made of: tokens times price. Lines without tokens are left out. */
export function costLines({ promptTokens, cachedTokens, outputTokens, price }: Act): CostLine[] {
  const line = (kind: CostLine['kind'], tokens: number, each: string): CostLine => ({
    kind,
    tokens,
    price: each,
    credits: (tokens * Number(each)) / 1_000_000,
  })
  return [
    line('read', promptTokens - cachedTokens, price.input),
    line('cached', cachedTokens, price.cachedInput),
    line('written', outputTokens, price.output),
  ].filter(({ tokens }) => tokens > 0)
}

const million = 1_000_000n

/** Why an act cost less than its tokens times price: nothing was written, or no more was set aside; null when it didn't. */
export function lessBecause({ promptTokens, cachedTokens, outputTokens, price, credits }: Act): 'nothing-written' | 'held' | null {
  const times = (tokens: number, each: string) => BigInt(tokens) * (microOf(each) ?? 0n)
  const all =
    times(promptTokens - cachedTokens, price.input) + times(cachedTokens, price.cachedInput) + times(outputTokens, price.output)
  const full = (all + million - 1n) / million
  if ((microOf(credits) ?? 0n) >= full) return null
  return outputTokens === 0 ? 'nothing-written' : 'held'
}
