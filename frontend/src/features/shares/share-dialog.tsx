import { Trans, useLingui } from '@lingui/react/macro'
import { useState } from 'react'
import { Choice } from '@/components/page/choice'
import { Button } from '@/components/ui/button'
import { Dialog, DialogHead } from '@/components/ui/dialog'
import { Notice } from '@/components/ui/notice'
import { unmask } from '@/gql/fragment-masking'
import { ConversationShareDocument, ShareConsentDocument, SharePartsFragmentDoc } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { useMutationAct } from '@/lib/graphql/act'
import { useServiceInfo } from '@/lib/service-info'
import { Check } from './check'
import { LinkField } from './link-field'
import { refusalText } from './refusal'

interface ShareDialogProps {
  conversation: { id: string; title: string }
  onClose(): void
}

/** Makes a link to a frozen copy of the branch on show. */
export function ShareDialog({ conversation, onClose }: ShareDialogProps) {
  const { t } = useLingui()
  const [url, setUrl] = useState<string | null>(null)
  const title = url === null ? t`Share by link` : t`The link is ready`
  return (
    <Dialog label={title} onClose={onClose} className="w-[min(32rem,calc(100vw-2rem))]!">
      <DialogHead title={title} onClose={onClose} />
      <div className="max-h-[calc(100dvh-8rem)] overflow-y-auto px-5 py-5">
        {url === null ? (
          <Form conversation={conversation} onMade={setUrl} onClose={onClose} />
        ) : (
          <Made url={url} onClose={onClose} />
        )}
      </div>
    </Dialog>
  )
}

type Span = '7' | '30' | 'open'

interface FormProps extends ShareDialogProps {
  onMade(url: string): void
}

function Form({ conversation, onMade, onClose }: FormProps) {
  const { t } = useLingui()
  const agreed = useAgreed()
  const [span, setSpan] = useState<Span>('30')
  const [withReasoning, setReasoning] = useState(false)
  const [withName, setName] = useState(false)
  const { share, busy, wrong } = useShare(onMade)
  const { title } = conversation
  const make = () =>
    void share(
      { conversationId: conversation.id, expiresInDays: span === 'open' ? null : Number(span), withReasoning, withName },
      agreed,
    )
  return (
    <div className="space-y-5">
      <p className="text-sm text-ink-2">
        <Trans>
          A copy of “<b className="font-medium text-ink">{title}</b>” as you see it now. What you write later doesn’t show in it.
          Whoever has the link can read it without signing in.
        </Trans>
      </p>
      <div className="-mb-1">
        <Choice<Span>
          title={t`The link opens for`}
          value={span}
          onChoose={setSpan}
          options={[
            { value: '7', label: t`7 days` },
            { value: '30', label: t`30 days` },
            { value: 'open', label: t`Until I take it back` },
          ]}
        />
      </div>
      <div className="space-y-3">
        <Check
          label={t`Show my name`}
          note={t`Otherwise nothing tells who shared it, unless it stands in the text.`}
          checked={withName}
          onChange={setName}
        />
        <Check
          label={t`Show what the model thought`}
          note={t`The thoughts before the answers, where there are any.`}
          checked={withReasoning}
          onChange={setReasoning}
        />
      </div>
      {!agreed && (
        <Notice>
          <Trans>
            Sharing needs your consent. You can take it back under Settings → Privacy choices; then all your links end at once.
          </Trans>
        </Notice>
      )}
      {wrong && (
        <Notice tone="danger" role="alert">
          {wrong}
        </Notice>
      )}
      <div className="flex flex-wrap justify-end gap-2">
        <Button look="quiet" onClick={onClose}>
          <Trans>Cancel</Trans>
        </Button>
        <Button look="primary" onClick={make} aria-disabled={busy}>
          {agreed ? <Trans>Make the link</Trans> : <Trans>Agree and make the link</Trans>}
        </Button>
      </div>
    </div>
  )
}

function Made({ url, onClose }: { url: string; onClose(): void }) {
  return (
    <div className="space-y-5">
      <LinkField url={url} />
      <p className="text-sm text-ink-2">
        <Trans>All your links stand under Settings → Your data, where you can take them back. Nobody counts who reads them.</Trans>
      </p>
      <div className="flex justify-end">
        <Button onClick={onClose}>
          <Trans>Done</Trans>
        </Button>
      </div>
    </div>
  )
}

/** Whether the viewer has agreed to sharing before. */
function useAgreed(): boolean {
  return useServiceInfo()?.viewer.consents.some(({ kind, granted }) => kind === 'SHARE' && granted) ?? false
}

interface Input {
  conversationId: string
  expiresInDays: number | null
  withReasoning: boolean
  withName: boolean
}

/** Agrees first where that is needed, and makes the link. */
function useShare(onMade: (url: string) => void) {
  const { t } = useLingui()
  const agree = useMutationAct(ShareConsentDocument, (data) => data.consentSet)
  const make = useMutationAct(ConversationShareDocument, (data) => data.conversationShare)
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  const share = async (input: Input, agreed: boolean) => {
    if (busy) return
    setBusy(true)
    setWrong(null)
    const consent = agreed ? null : await agree({ input: { kind: 'SHARE', granted: true, method: 'DIALOG' } })
    const outcome = consent === null || consent.kind === 'done' ? await make({ input }) : consent
    setBusy(false)
    setWrong(refusalText(outcome))
    if (outcome.kind !== 'done' || !('share' in outcome.payload) || !outcome.payload.share) return
    announce(t`The link is ready`)
    onMade(unmask(SharePartsFragmentDoc, outcome.payload.share).url)
  }
  return { share, busy, wrong }
}
