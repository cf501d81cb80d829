import type { MessagePartsFragment } from '@/gql/graphql'

/** A question with the answer on show. */
export interface Turn {
  key: string
  question: MessagePartsFragment | null
  answer: MessagePartsFragment | null
}

/** The branch as turns, oldest first. */
export function turnsOf(messages: readonly MessagePartsFragment[]): Turn[] {
  const turns: Turn[] = []
  for (const message of messages) {
    const last = turns.at(-1)
    if (message.role === 'ASSISTANT' && last && !last.answer) last.answer = message
    else if (message.role === 'ASSISTANT') turns.push({ key: message.id, question: null, answer: message })
    else turns.push({ key: message.id, question: message, answer: null })
  }
  return turns
}

/** What stands before a message that is being written anew. */
export function before(messages: readonly MessagePartsFragment[], id: string): readonly MessagePartsFragment[] {
  const at = messages.findIndex((message) => message.id === id)
  return at < 0 ? messages : messages.slice(0, at)
}

/** The branch as Markdown, for copying. */
export function branchMarkdown(title: string, messages: readonly MessagePartsFragment[], names: { you: string }): string {
  const parts = messages.map(
    ({ role, text, model }) => `## ${role === 'USER' ? names.you : (model?.name ?? 'Kimi K2')}\n\n${text.trim()}`,
  )
  return `${[`# ${title}`, ...parts].join('\n\n')}\n`
}
