import type { Client } from '@urql/core'
import { t } from '@lingui/core/macro'
import { ConversationDeleteDocument } from '@/gql/graphql'
import { outcomeOf, toastOutcome } from '@/lib/graphql/act'
import { createStore } from '@/lib/store'
import { showToast } from '@/lib/toasts'

/** How long a deletion can be undone, in milliseconds. */
const undoWindow = 5_000

/** Conversations that are hidden because they are about to be deleted. */
export const leaving = createStore<ReadonlySet<string>>(new Set())

/** What sends each deletion that waits, at once. */
const waiting = new Map<string, () => void>()

const underWay = new Set<Promise<void>>()

function show(id: string): void {
  leaving.update((ids) => new Set([...ids].filter((one) => one !== id)))
}

/** A page that is hidden or goes away may not come back: it has no time left for undoing. */
function onLeave({ type }: Event): void {
  if (type === 'pagehide' || document.visibilityState === 'hidden') void flushDeletions()
}

/** Hides a conversation at once and deletes it when the time to undo is over, or the page is hidden. */
export function deleteConversation(client: Client, id: string): void {
  leaving.update((ids) => new Set([...ids, id]))
  const sendNow = () => {
    forget()
    const sent = send(client, id).finally(() => underWay.delete(sent))
    underWay.add(sent)
  }
  const timer = setTimeout(sendNow, undoWindow)
  const undo = () => {
    if (!waiting.has(id)) return
    forget()
    show(id)
  }
  const text = t`Conversation deleted`
  const hide = showToast({ text, tone: 'plain', action: { label: t`Undo`, run: undo } }, undoWindow)
  const forget = () => {
    clearTimeout(timer)
    waiting.delete(id)
    hide()
  }
  waiting.set(id, sendNow)
  window.addEventListener('pagehide', onLeave)
  document.addEventListener('visibilitychange', onLeave)
}

async function send(client: Client, id: string): Promise<void> {
  // It survives the page, which may be going away.
  const context = { fetchOptions: { keepalive: true } }
  const result = await client.mutation(ConversationDeleteDocument, { input: { conversationId: id } }, context).toPromise()
  const outcome = outcomeOf(result, (data) => data.conversationDelete)
  const gone = outcome.kind === 'refused' && outcome.refusals[0].code === 'NOT_FOUND'
  if (!gone) toastOutcome(outcome)
  show(id)
}

/** Sends what waits, without time for undoing; resolves when all deletions under way have ended, done or not. */
export async function flushDeletions(): Promise<void> {
  for (const sendNow of waiting.values()) sendNow()
  await Promise.all(underWay)
}
