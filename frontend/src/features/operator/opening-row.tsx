import { Plural, Trans, useLingui } from '@lingui/react/macro'
import { useState } from 'react'
import { ConfirmStep } from '@/components/page/confirm-step'
import { moment } from '@/components/page/moments'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import {
  OperatorOpeningApproveDocument,
  OperatorOpeningEndDocument,
  type OperatorOpeningFragment,
  OperatorOpeningReadDocument,
  type OperatorOpeningReadMutation,
  type OpeningState,
} from '@/gql/graphql'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { useFormAct } from './use-form-act'
import { useLinked } from './use-identities'

interface OpeningRowProps {
  opening: OperatorOpeningFragment
  /** The administrator who looks at it. */
  me: string
  onChanged(): void
}

/** An access to conversations: why, how far it is, and what the administrator may do with it. */
export function OpeningRow({ opening, me, onChanged }: OpeningRowProps) {
  const { t } = useLingui()
  const states: Record<OpeningState, string> = { ASKED: t`waits for an approval`, OPEN: t`open`, ENDED: t`ended` }
  return (
    <li className="py-3 text-sm">
      <div className="flex flex-wrap items-baseline gap-x-4">
        <p className="min-w-0 flex-1 basis-64 break-words">{opening.reason}</p>
        <span className={opening.state === 'ENDED' ? 'text-ink-3' : 'text-tide'}>{states[opening.state]}</span>
      </div>
      <p className="mt-1 text-xs break-all text-ink-3">
        {moment(opening.askedAt)} · {opening.ownerId} ·{' '}
        <Plural value={opening.reads} _0="not read" one="read once" other="read # times" />
        {opening.state === 'OPEN' && (
          <>
            {' · '}
            <Trans>until {moment(opening.expiresAt)}</Trans>
          </>
        )}
      </p>
      {opening.state !== 'ENDED' && <Acts opening={opening} me={me} onChanged={onChanged} />}
      {opening.state === 'OPEN' && opening.askedBy === me && <Reading opening={opening} onChanged={onChanged} />}
    </li>
  )
}

function Acts({ opening, me, onChanged }: OpeningRowProps) {
  const linked = useLinked()
  const end = useMutationAct(OperatorOpeningEndDocument, (data) => data.openingEnd)
  const { step, faults, send, cancelProof } = useFormAct(OperatorOpeningApproveDocument, (data) => data.openingApprove, [])
  const input = { id: opening.id }
  const mine = opening.askedBy === me
  const stop = async () => {
    toastOutcome(await end({ input }))
    onChanged()
  }
  const approve = async () => {
    if (await send({ input })) onChanged()
  }
  if (step === 'proving') {
    return <ConfirmStep linked={linked} returnTo="/operator/legal" onLeave={() => {}} onCancel={cancelProof} />
  }
  return (
    <div className="mt-2 space-y-2">
      {faults.whole && (
        <Notice tone="danger" role="alert">
          {faults.whole}
        </Notice>
      )}
      {opening.state === 'ASKED' && mine && (
        <p className="text-xs text-ink-2">
          <Trans>Another administrator has to approve it.</Trans>
        </p>
      )}
      <div className="flex flex-wrap gap-2">
        {opening.state === 'ASKED' && !mine && (
          <Button look="primary" aria-disabled={step === 'sending'} onClick={() => step === 'typing' && void approve()}>
            <Trans>Approve for an hour</Trans>
          </Button>
        )}
        <Button onClick={() => void stop()}>
          {opening.state === 'OPEN' ? <Trans>End it now</Trans> : mine ? <Trans>Take it back</Trans> : <Trans>Refuse</Trans>}
        </Button>
      </div>
    </div>
  )
}

type Read = NonNullable<OperatorOpeningReadMutation['openingRead']['conversation']>

/** Reads one conversation after the other; each reading is written down. */
function Reading({ opening, onChanged }: Omit<OpeningRowProps, 'me'>) {
  const { t } = useLingui()
  const read = useMutationAct(OperatorOpeningReadDocument, (data) => data.openingRead)
  const [shown, setShown] = useState<Read | null>(null)
  const show = async (conversationId: string) => {
    const outcome = await read({ input: { id: opening.id, conversationId } })
    toastOutcome(outcome)
    if (outcome.kind === 'done') setShown(outcome.payload.conversation)
    onChanged()
  }
  return (
    <div className="mt-3">
      <div className="flex flex-wrap gap-2">
        {opening.conversationIds.map((id) => (
          <Button key={id} onClick={() => void show(id)}>
            <Trans>Read …{id.slice(-6)}</Trans>
          </Button>
        ))}
      </div>
      {shown && (
        <section aria-label={shown.title} className="fade-in mt-4 rounded-row border border-line-strong px-4 py-4">
          <h3 className="text-sm font-semibold">{shown.title}</h3>
          {shown.cut && (
            <p className="mt-1 text-xs text-ink-3">
              <Trans>It goes further back than the 200 messages that are shown.</Trans>
            </p>
          )}
          <ol className="mt-3 space-y-3">
            {shown.messages.map(({ role, text, createdAt }) => (
              <li key={createdAt + role}>
                <p className="text-xs text-ink-3">
                  {role === 'USER' ? t`Owner` : t`Answer`} · {moment(createdAt)}
                </p>
                <p className="break-words whitespace-pre-wrap">{text}</p>
              </li>
            ))}
          </ol>
        </section>
      )}
    </div>
  )
}
