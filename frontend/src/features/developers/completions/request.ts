/** A request as it is filled in. */
export interface Draft {
  /** A model's id; empty for the one that is chosen when nothing else is. */
  model: string
  system: string
  message: string
  /** As typed; empty for the model's own. */
  temperature: string
  maxTokens: string
  stream: boolean
}

/** The body of a request to `/v1/chat/completions`. */
export interface Body {
  model: string
  messages: { role: 'system' | 'user'; content: string }[]
  temperature?: number
  max_completion_tokens?: number
  stream?: true
  stream_options?: { include_usage: true }
}

/** What a draft is at first. */
export const freshDraft: Draft = {
  model: '',
  system: '',
  message: 'Say hello in one sentence.',
  temperature: '',
  maxTokens: '',
  stream: true,
}

/** A temperature as it is typed; null for none, undefined for what can't be one. */
export function temperatureOf(text: string): number | null | undefined {
  const plain = text.trim().replace(',', '.')
  if (plain === '') return null
  const value = Number(plain)
  return /^\d(\.\d{1,4})?$/.test(plain) && value <= 2 ? value : undefined
}

/** A number of tokens as it is typed; null for none, undefined for what can't be one. */
export function tokensOf(text: string): number | null | undefined {
  const plain = text.trim()
  if (plain === '') return null
  return /^[1-9]\d{0,8}$/.test(plain) ? Number(plain) : undefined
}

/** The body of a draft; null while something in it can't be. */
export function bodyOf(draft: Draft, model: string): Body | null {
  const [temperature, maxTokens] = [temperatureOf(draft.temperature), tokensOf(draft.maxTokens)]
  if (temperature === undefined || maxTokens === undefined || draft.message.trim() === '' || model === '') return null
  return {
    model,
    messages: [
      ...(draft.system.trim() === '' ? [] : [{ role: 'system' as const, content: draft.system }]),
      { role: 'user', content: draft.message },
    ],
    ...(temperature === null ? {} : { temperature }),
    ...(maxTokens === null ? {} : { max_completion_tokens: maxTokens }),
    ...(draft.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  }
}
