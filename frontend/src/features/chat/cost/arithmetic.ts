import type { MessagePartsFragment } from '@/gql/graphql'
import { amountOf, microOf } from '@/lib/credits'

type Counted = Pick<MessagePartsFragment, 'id' | 'credits' | 'usage' | 'droppedMessages'>

/** About how many tokens the model will read before what is asked next; null while nothing is known. */
export function contextOf(messages: readonly Counted[]): number | null {
  const last = messages.findLast(({ usage }) => usage !== null)?.usage
  // What was thought isn't sent again.
  return last ? last.promptTokens + last.outputTokens - last.reasoningTokens : null
}

/** What the answers cost that are known, by message. */
export function costsOf(messages: readonly Pick<Counted, 'id' | 'credits'>[]): Map<string, string> {
  return new Map(messages.flatMap(({ id, credits }) => (credits === null ? [] : [[id, credits] as const])))
}

/** The exact sum of what every message cost, those known twice once. */
export function branchTotal(...parts: readonly ReadonlyMap<string, string>[]): { credits: string; answers: number } {
  const all = new Map(parts.flatMap((part) => [...part]))
  const micro = [...all.values()].reduce((sum, credits) => sum + (microOf(credits) ?? 0n), 0n)
  return { credits: amountOf(micro), answers: all.size }
}
