import { useClient } from 'urql'
import { ConversationPinDocument, ConversationRenameDocument } from '@/gql/graphql'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { deleteConversation } from '@/lib/deletions'

const longestTitle = 200

/** What can be done with a conversation. */
export function useConversationActs() {
  const client = useClient()
  const rename = useMutationAct(ConversationRenameDocument, (data) => data.conversationUpdate)
  const pin = useMutationAct(ConversationPinDocument, (data) => data.conversationUpdate)
  return {
    async rename(conversationId: string, title: string) {
      const clean = title.trim().slice(0, longestTitle)
      if (clean !== '') toastOutcome(await rename({ input: { conversationId, title: clean } }))
    },
    async pin(conversationId: string, pinned: boolean) {
      toastOutcome(await pin({ input: { conversationId, pinned } }))
    },
    delete(conversationId: string) {
      deleteConversation(client, conversationId)
    },
  }
}
