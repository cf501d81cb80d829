/** Tokens of an answer. */
export interface Usage {
  prompt: number
  cached: number
  written: number
  reasoning: number
}

/** What has come of an answer. */
export interface Reply {
  text: string
  reasoning: string
  /** Tools that it calls, with their arguments. */
  calls: readonly { name: string; arguments: string }[]
  /** Why it ended; null while it goes on. */
  finish: string | null
  usage: Usage | null
  /** Why there is none, or why it broke. */
  error: string | null
}

/** Nothing yet. */
export const noReply: Reply = { text: '', reasoning: '', calls: [], finish: null, usage: null, error: null }

interface Part {
  content?: string | null
  reasoning_content?: string | null
  tool_calls?: { index?: number; function?: { name?: string; arguments?: string } }[]
}

interface Said {
  choices?: { delta?: Part; message?: Part; finish_reason?: string | null }[]
  usage?: {
    prompt_tokens: number
    completion_tokens: number
    prompt_tokens_details?: { cached_tokens?: number }
    completion_tokens_details?: { reasoning_tokens?: number }
  } | null
  error?: { message?: string }
}

/** Takes in one event of a stream, or a whole answer. What can't be read changes nothing. */
export function taken(reply: Reply, data: string): Reply {
  const said = read(data)
  if (!said) return reply
  const next = { ...reply }
  if (said.error) next.error = said.error.message ?? ''
  for (const { delta, message, finish_reason } of said.choices ?? []) {
    const part = delta ?? message ?? {}
    next.text += part.content ?? ''
    next.reasoning += part.reasoning_content ?? ''
    if (part.tool_calls) next.calls = called(next.calls, part.tool_calls)
    if (finish_reason) next.finish = finish_reason
  }
  if (said.usage) next.usage = usageOf(said.usage)
  return next
}

function read(data: string): Said | null {
  try {
    const value: unknown = JSON.parse(data)
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null
  }
}

function called(calls: Reply['calls'], parts: NonNullable<Part['tool_calls']>): Reply['calls'] {
  const next = [...calls]
  for (const [at, part] of parts.entries()) {
    const place = part.index ?? at
    const before = next[place] ?? { name: '', arguments: '' }
    next[place] = {
      name: before.name + (part.function?.name ?? ''),
      arguments: before.arguments + (part.function?.arguments ?? ''),
    }
  }
  return next
}

function usageOf(usage: NonNullable<Said['usage']>): Usage {
  return {
    prompt: usage.prompt_tokens,
    cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
    written: usage.completion_tokens,
    reasoning: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  }
}

/** What the server says of limits beside an answer: what is left of how much. */
export interface Left {
  name: string
  remaining: string
  of: string
}

/** Reads what is left of each limit. */
export function leftOf(headers: readonly (readonly [string, string])[]): Left[] {
  const all = new Map(headers)
  return ['requests', 'tokens'].flatMap((name) => {
    const [remaining, of] = [all.get(`x-ratelimit-remaining-${name}`), all.get(`x-ratelimit-limit-${name}`)]
    return remaining !== undefined && of !== undefined ? [{ name, remaining, of }] : []
  })
}
