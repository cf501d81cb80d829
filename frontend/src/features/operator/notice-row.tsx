import { Plural, Trans, useLingui } from '@lingui/react/macro'
import { useId, useState } from 'react'
import { ConfirmStep } from '@/components/page/confirm-step'
import { moment } from '@/components/page/moments'
import { wantsProof } from '@/components/page/refusal-words'
import { Button } from '@/components/ui/button'
import {
  type NoticeKind,
  type NoticeState,
  OperatorNoticeDiscardDocument,
  type OperatorNoticeFragment,
  OperatorNoticeSendDocument,
} from '@/gql/graphql'
import { numberText } from '@/lib/credits'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { useLinked } from './use-identities'

interface NoticeRowProps {
  notice: OperatorNoticeFragment
  onEdit(): void
  onChanged(): void
}

/** A mail to everybody: a line, how far it is, and its words when they are wanted. */
export function NoticeRow({ notice, onEdit, onChanged }: NoticeRowProps) {
  const { t } = useLingui()
  const id = useId()
  const isDraft = notice.state === 'DRAFT'
  const [open, setOpen] = useState(false)
  const kinds: Record<NoticeKind, string> = { POLICY: t`Privacy policy`, NEWS: t`News`, INCIDENT: t`Incident` }
  const states: Record<NoticeState, string> = { DRAFT: t`draft`, WRITING: t`being written`, SENDING: t`being sent`, DONE: t`done` }
  return (
    <li className="py-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <button
          type="button"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
          className="min-h-11 min-w-0 flex-1 basis-64 rounded-control text-left hover:bg-hover"
        >
          <span className="block text-sm font-medium break-words">{notice.preview.subject}</span>
          <span className="block text-xs text-ink-3">
            {kinds[notice.kind]} · {moment(notice.startedAt ?? notice.createdAt)}
          </span>
        </button>
        <span className={`text-sm ${notice.state === 'DONE' ? 'text-ok' : 'text-ink-2'}`}>{states[notice.state]}</span>
      </div>
      {isDraft ? (
        <p className="text-xs text-ink-3">
          <Plural value={notice.audience} one="# account would get it now" other="# accounts would get it now" />
        </p>
      ) : (
        <Counts notice={notice} />
      )}
      <div id={id} hidden={!open}>
        {open && <Previews notice={notice} />}
      </div>
      {isDraft && <DraftActs notice={notice} onEdit={onEdit} onChanged={onChanged} />}
    </li>
  )
}

function Counts({ notice }: { notice: OperatorNoticeFragment }) {
  const { t } = useLingui()
  const counts = [
    [t`written to`, notice.written],
    [t`sent`, notice.sent],
    [t`waiting`, notice.waiting],
    [t`kept here`, notice.kept],
    [t`refused by the recipient’s server`, notice.refused],
    [t`unsubscribed before`, notice.withdrawn],
    [t`failed`, notice.failed],
  ] as const
  return (
    <dl className="mt-1 flex flex-wrap gap-x-5 gap-y-1 text-xs text-ink-2">
      {counts
        .filter(([, n], index) => index === 0 || n > 0)
        .map(([name, n]) => (
          <div key={name} className="flex gap-1.5">
            <dt className="text-ink-3">{name}</dt>
            <dd className="tabular-nums">{numberText(n)}</dd>
          </div>
        ))}
    </dl>
  )
}

function Previews({ notice }: { notice: OperatorNoticeFragment }) {
  const { t } = useLingui()
  return (
    <div className="mt-3 grid gap-4 md:grid-cols-2">
      {(
        [
          ['en', t`In English`, notice.preview],
          ['zh', t`In Chinese`, notice.previewZh],
        ] as const
      ).map(([lang, title, preview]) => (
        <figure key={lang} lang={lang} className="min-w-0 rounded-row border border-line bg-surface px-4 py-3">
          <figcaption className="text-xs text-ink-3">{title}</figcaption>
          <p className="mt-2 text-sm font-semibold break-words">{preview.subject}</p>
          <pre className="mt-2 font-sans text-sm leading-6 break-words whitespace-pre-wrap text-ink-2">{preview.text}</pre>
        </figure>
      ))}
    </div>
  )
}

/** What can be done with a draft. Sending asks in its place, and for a fresh proof of who it is. */
function DraftActs({ notice, onEdit, onChanged }: NoticeRowProps) {
  const { t } = useLingui()
  const send = useMutationAct(OperatorNoticeSendDocument, (data) => data.noticeSend)
  const discard = useMutationAct(OperatorNoticeDiscardDocument, (data) => data.noticeDiscard)
  const linked = useLinked()
  const [step, setStep] = useState<'idle' | 'asking' | 'busy' | 'proving'>('idle')
  const sendNow = async () => {
    setStep('busy')
    const outcome = await send({ input: { id: notice.id } })
    const proof = wantsProof(outcome)
    setStep(proof ? 'proving' : 'idle')
    if (!proof) toastOutcome(outcome)
    onChanged()
  }
  const discardNow = async () => {
    toastOutcome(await discard({ input: { id: notice.id } }))
    onChanged()
  }
  if (step === 'proving') {
    return <ConfirmStep linked={linked} returnTo="/operator/notices" onLeave={() => {}} onCancel={() => setStep('idle')} />
  }
  if (step === 'asking' || step === 'busy') {
    return (
      <div role="group" aria-label={t`Send to everybody?`} className="fade-in mt-3 rounded-row border border-line-strong px-4 py-3">
        <p className="text-sm">
          <Plural
            value={notice.audience}
            one="It is sent to # account. It can’t be called back."
            other="It is sent to # accounts. It can’t be called back."
          />
        </p>
        <div className="mt-3 flex flex-wrap gap-2">
          <Button look="primary" aria-disabled={step === 'busy'} onClick={() => step === 'asking' && void sendNow()}>
            <Trans>Send it</Trans>
          </Button>
          <Button look="quiet" onClick={() => setStep('idle')}>
            <Trans>Not yet</Trans>
          </Button>
        </div>
      </div>
    )
  }
  return (
    <div className="mt-2 flex flex-wrap gap-2">
      <Button onClick={() => setStep('asking')}>
        <Trans>Send …</Trans>
      </Button>
      <Button look="quiet" onClick={onEdit}>
        <Trans>Change</Trans>
      </Button>
      <Button look="quiet" onClick={() => void discardNow()}>
        <Trans>Throw away</Trans>
      </Button>
    </div>
  )
}
