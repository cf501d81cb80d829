import { Trans } from '@lingui/react/macro'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { ConsentSetDocument } from '@/gql/graphql'
import { errorText } from '@/lib/error-text'
import { useMutationAct } from '@/lib/graphql/act'
import { useServiceInfo } from '@/lib/service-info'

interface ConsentStepProps {
  /** The server's words: they name who would get the messages. */
  message: string
  onDone(): void
  onLater(): void
}

/** Asks whether messages may go to an inference service that somebody else runs. */
export function ConsentStep({ message, onDone, onLater }: ConsentStepProps) {
  const engine = useServiceInfo()?.service.engine.name ?? ''
  const consent = useMutationAct(ConsentSetDocument, (data) => data.consentSet)
  const [fault, setFault] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)

  const submit = async () => {
    if (busy) return
    setBusy(true)
    const outcome = await consent({ input: { kind: 'EXTERNAL_INFERENCE', granted: true, method: 'DIALOG' } })
    setBusy(false)
    if (outcome.kind === 'done') onDone()
    else setFault(errorText(outcome.kind === 'refused' ? outcome.refusals[0] : { code: 'UNREACHABLE' }))
  }

  return (
    <div>
      <p className="text-md">
        <Trans>
          Answers here come from <strong className="font-semibold">{engine}</strong>, an inference service that somebody else runs.
          Your message and the conversation before it are sent there.
        </Trans>
      </p>
      {message && (
        <p lang="en" className="mt-2 text-sm text-ink-3">
          {message}
        </p>
      )}
      <p className="mt-2 text-sm text-ink-2">
        <Trans>You can take this back at any time in the settings.</Trans>
      </p>
      {fault && (
        <div className="mt-3">
          <Notice role="alert" tone="danger">
            {fault}
          </Notice>
        </div>
      )}
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        <Button look="quiet" onClick={onLater}>
          <Trans>Don’t send</Trans>
        </Button>
        <Button look="primary" aria-disabled={busy} onClick={() => void submit()}>
          <Trans>Agree and send</Trans>
        </Button>
      </div>
    </div>
  )
}
