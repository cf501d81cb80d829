import { t } from '@lingui/core/macro'
import { Trans } from '@lingui/react/macro'
import { useState } from 'react'
import { useClient } from 'urql'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { unmask } from '@/gql/fragment-masking'
import { ConversationRowFragmentDoc, ConversationsDocument, ShareCopyDocument } from '@/gql/graphql'
import { type Outcome, useMutationAct } from '@/lib/graphql/act'
import { ask, isQuestion } from '@/lib/questions'
import { refusalText } from './refusal'

interface ContinueProps {
  /** The link’s token; empty when the address holds none. */
  token: string
  /** Called with the copy. */
  onCopied(conversationId: string): void
}

/** Makes what a link shows a conversation of the viewer’s own. */
export function Continue({ token, onCopied }: ContinueProps) {
  const { copy, busy, wrong } = useCopy(token, onCopied)
  return (
    <div className="space-y-5">
      <p className="max-w-prose text-ink-2">
        <Trans>
          You get a copy of what the link shows, to go on with. It is yours: it stays when the link ends, and whoever shared it
          doesn’t learn of it.
        </Trans>
      </p>
      {wrong && (
        <Notice tone="danger" role="alert">
          {wrong}
        </Notice>
      )}
      <Button look="primary" onClick={() => void copy()} aria-disabled={busy}>
        <Trans>Make my copy</Trans>
      </Button>
    </div>
  )
}

/** A copy is INVALID only where its reader would keep too much. */
function noRoom(outcome: Outcome<unknown>): boolean {
  return outcome.kind === 'refused' && outcome.refusals[0].code === 'INVALID'
}

function useCopy(token: string, onCopied: (conversationId: string) => void) {
  const client = useClient()
  const run = useMutationAct(ShareCopyDocument, (data) => data.shareCopy)
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  const copy = async () => {
    if (busy) return
    setBusy(true)
    setWrong(null)
    const outcome = await run({ input: { token } })
    setBusy(false)
    if (outcome.kind === 'refused' && isQuestion(outcome.refusals[0].code)) {
      const { code, message } = outcome.refusals[0]
      ask({ code, message, place: 'COMPOSER', passed: () => void copy(), closed: () => setBusy(false) })
      return
    }
    setWrong(
      noRoom(outcome)
        ? t`You keep so many conversations here that there is no room for this copy. Delete some first.`
        : refusalText(outcome),
    )
    if (outcome.kind !== 'done' || !outcome.payload.conversation) return
    void client.query(ConversationsDocument, {}, { requestPolicy: 'network-only' }).toPromise()
    onCopied(unmask(ConversationRowFragmentDoc, outcome.payload.conversation).id)
  }
  return { copy, busy, wrong }
}
