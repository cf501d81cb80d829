import type { Client } from '@urql/core'
import { t } from '@lingui/core/macro'
import { ConversationDeleteDocument } from '@/gql/graphql'
import { outcomeOf, toastOutcome } from '@/lib/graphql/act'
import { fetchOperation } from '@/lib/live/fetch'
import { createStore } from '@/lib/store'
import { showToast } from '@/lib/toasts'

/** How long a deletion can be undone, in milliseconds. */
const undoWindow = 5_000

/** Conversations that are hidden because they are about to be deleted. */
export const leaving = createStore<ReadonlySet<string>>(new Set())

const timers = new Map<string, ReturnType<typeof setTimeout>>()

function show(id: string): void {
  leaving.update((ids) => new Set([...ids].filter((one) => one !== id)))
}

/** Hides a conversation at once and deletes it when the time to undo is over. */
export function deleteConversation(client: Client, id: string): void {
  leaving.update((ids) => new Set([...ids, id]))
  timers.set(
    id,
    setTimeout(() => void send(client, id), undoWindow),
  )
  const undo = () => {
    clearTimeout(timers.get(id))
    timers.delete(id)
    show(id)
  }
  showToast({ text: t`Conversation deleted`, tone: 'plain', action: { label: t`Undo`, run: undo } }, undoWindow)
}

async function send(client: Client, id: string): Promise<void> {
  timers.delete(id)
  const result = await client.mutation(ConversationDeleteDocument, { input: { conversationId: id } }).toPromise()
  const outcome = outcomeOf(result, (data) => data.conversationDelete)
  const gone = outcome.kind === 'refused' && outcome.refusals[0].code === 'NOT_FOUND'
  if (!gone) toastOutcome(outcome)
  show(id)
}

/** A page that goes away has no time left for undoing. */
function sendAll(): void {
  for (const [id, timer] of timers) {
    clearTimeout(timer)
    void fetchOperation(ConversationDeleteDocument, { input: { conversationId: id } }, { keepalive: true }).catch(() => null)
  }
  timers.clear()
}

/** Sends waiting deletions when the page goes away. The returned function ends it. */
export function keepDeletions(): () => void {
  window.addEventListener('pagehide', sendAll)
  return () => window.removeEventListener('pagehide', sendAll)
}
