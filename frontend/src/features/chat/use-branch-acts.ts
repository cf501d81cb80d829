import { useCallback } from 'react'
import { unmask } from '@/gql/fragment-masking'
import {
  BranchShowDocument,
  ReplyContinueDocument,
  ReplyRegenerateDocument,
  ReplyStopDocument,
  SentPartsFragmentDoc,
} from '@/gql/graphql'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { randomId } from '@/lib/random-id'

/** What can be done with the messages of a conversation. */
export function useBranchActs() {
  const regenerate = useMutationAct(ReplyRegenerateDocument, (data) => unmask(SentPartsFragmentDoc, data.replyRegenerate))
  const goOn = useMutationAct(ReplyContinueDocument, (data) => data.replyContinue)
  const stop = useMutationAct(ReplyStopDocument, (data) => data.replyStop)
  const show = useMutationAct(BranchShowDocument, (data) => data.conversationUpdate)
  return {
    /** Asks for another reply beside one, by the same or another model. */
    regenerate: useCallback(
      async (replyId: string, modelId?: string) =>
        toastOutcome(await regenerate({ input: { clientId: randomId(), replyId, modelId } })),
      [regenerate],
    ),
    /** Goes on with a reply that ended early. */
    goOn: useCallback(async (replyId: string) => toastOutcome(await goOn({ input: { replyId } })), [goOn]),
    stop: useCallback(async (replyId: string) => toastOutcome(await stop({ input: { replyId } })), [stop]),
    /** Shows the branch through a message. */
    show: useCallback(
      async (conversationId: string, leafId: string) => toastOutcome(await show({ input: { conversationId, leafId } })),
      [show],
    ),
  }
}
