import { Trans } from '@lingui/react/macro'
import { useState } from 'react'
import { useClient } from 'urql'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { type AcceptanceMethod, AppDocument, PolicyAcceptDocument } from '@/gql/graphql'
import { errorText } from '@/lib/error-text'
import { useMutationAct } from '@/lib/graphql/act'
import { useServiceInfo } from '@/lib/service-info'

interface PolicyStepProps {
  name: string
  place: AcceptanceMethod
  onDone(): void
  onLater(): void
}

/** Says what using the service means, and takes the acceptance. */
export function PolicyStep({ name, place, onDone, onLater }: PolicyStepProps) {
  const client = useClient()
  const gate = useServiceInfo()?.viewer.gate
  const version = gate?.policyVersion ?? ''
  const accept = useMutationAct(PolicyAcceptDocument, (data) => data.policyAccept)
  const [fault, setFault] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)

  const submit = async () => {
    if (busy) return
    setBusy(true)
    const outcome = await accept({ input: { version, method: place } })
    setBusy(false)
    if (outcome.kind === 'done') {
      onDone()
      return
    }
    setFault(errorText(outcome.kind === 'refused' ? outcome.refusals[0] : { code: 'UNREACHABLE' }))
    // The version on show may have been replaced meanwhile: the next press accepts the new one.
    void client.query(AppDocument, {}, { requestPolicy: 'network-only' }).toPromise()
  }

  return (
    <div>
      <p className="text-md">
        <Trans>
          By using {name} you consent to the{' '}
          <a href="/privacy" target="_blank" rel="noopener" className="text-tide underline underline-offset-3">
            privacy policy
          </a>
          .
        </Trans>
      </p>
      <p className="mt-1 text-sm text-ink-2">
        <Trans>Version {version}. It says what is kept, why, and for how long.</Trans>
        {gate?.news && (
          <>
            {' '}
            <a
              href={`/privacy?changes=${encodeURIComponent(gate.news.version)}`}
              target="_blank"
              rel="noopener"
              className="text-tide underline underline-offset-3"
            >
              <Trans>Read what changes</Trans>
            </a>
          </>
        )}
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
          <Trans>Not now</Trans>
        </Button>
        {/* The step before had the focus; it is here that the person goes on. */}
        {/* oxlint-disable-next-line jsx-a11y/no-autofocus */}
        <Button look="primary" autoFocus data-first aria-disabled={busy} onClick={() => void submit()}>
          {place === 'COMPOSER' ? <Trans>Accept and send</Trans> : <Trans>Accept and continue</Trans>}
        </Button>
      </div>
    </div>
  )
}
