import { isRecord } from '@/lib/storage'

export interface SharedMessage {
  role: 'USER' | 'ASSISTANT'
  text: string
  reasoning: string
  reasoningMs: number
  modelId: string
}

export interface SharedConversation {
  /** What the installation is called. */
  service: string
  title: string
  /** Who shared it; empty for who didn’t want to be named. */
  by: string
  sharedAt: string
  expiresAt: string | null
  messages: readonly SharedMessage[]
}

/** What became of a link: it opens, it ended, it never was, or nobody knows now. */
export type Opened = { kind: 'open'; shared: SharedConversation } | { kind: 'gone' | 'unknown' | 'busy' | 'unreachable' }

const string = (value: unknown) => (typeof value === 'string' ? value : '')

function readMessage(value: unknown): SharedMessage[] {
  if (!isRecord(value)) return []
  const { role, text, reasoning, reasoningMs, modelId } = value
  return [
    {
      role: role === 'USER' ? 'USER' : 'ASSISTANT',
      text: string(text),
      reasoning: string(reasoning),
      reasoningMs: typeof reasoningMs === 'number' ? reasoningMs : 0,
      modelId: string(modelId),
    },
  ]
}

/** Reads what the server answers; null when it is something else. */
export function readShared(value: unknown): SharedConversation | null {
  if (!isRecord(value) || !Array.isArray(value.messages) || typeof value.title !== 'string') return null
  const { title, service, by, sharedAt, expiresAt, messages } = value
  return {
    title,
    service: string(service) || 'Kimi K2',
    by: string(by),
    sharedAt: string(sharedAt),
    expiresAt: typeof expiresAt === 'string' ? expiresAt : null,
    messages: messages.flatMap(readMessage).filter(({ text, reasoning }) => text + reasoning !== ''),
  }
}

const refusals: Readonly<Record<number, Opened['kind']>> = { 404: 'unknown', 410: 'gone', 429: 'busy' }

/** Opens a link, without telling who asks. */
export async function openShared(token: string): Promise<Opened> {
  try {
    const response = await fetch(`/s/${encodeURIComponent(token)}/snapshot`, { credentials: 'omit', cache: 'no-store' })
    const refused = refusals[response.status]
    if (refused && refused !== 'open') return { kind: refused }
    const shared = response.ok ? readShared(await response.json()) : null
    return shared ? { kind: 'open', shared } : { kind: 'unreachable' }
  } catch {
    return { kind: 'unreachable' }
  }
}
