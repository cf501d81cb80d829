import { Trans, useLingui } from '@lingui/react/macro'
import { useEffect, useRef } from 'react'
import { Button } from '@/components/ui/button'
import type { Provider } from '@/gql/graphql'
import { useServiceInfo } from '@/lib/service-info'
import { providerName } from './provider-name'

interface ConfirmStepProps {
  /** The ways in which the account signs in. */
  linked: readonly Provider[]
  /** The page to come back to. */
  returnTo: string
  /** Called just before the page is left: what was typed has to be kept. */
  onLeave(): void
  onCancel(): void
}

/** "Confirm that it is you": a way to the provider and back, before a dangerous act is repeated. */
export function ConfirmStep({ linked, returnTo, onLeave, onCancel }: ConfirmStepProps) {
  const { t } = useLingui()
  const known = useServiceInfo()?.providers ?? []
  const usable = known.filter(({ provider }) => linked.includes(provider))
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  return (
    <section
      aria-label={t`Confirm that it’s you`}
      className="fade-in mt-4 rounded-row border border-line-strong bg-surface px-4 py-4"
    >
      <h3 ref={heading} tabIndex={-1} className="text-sm font-semibold outline-none">
        <Trans>Confirm that it’s you</Trans>
      </h3>
      <p className="mt-1 max-w-prose text-sm text-ink-2">
        {usable.length > 0 ? (
          <Trans>This needs a sign-in of the last ten minutes. You come back here, and nothing that you typed is lost.</Trans>
        ) : (
          <Trans>
            This needs a sign-in of the last ten minutes. Run <code className="font-mono text-xs">kimi-k2 admin sign-in-link</code>{' '}
            on the server, open the link in this browser, and come back.
          </Trans>
        )}
      </p>
      <div className="mt-3 flex flex-wrap gap-2">
        {usable.map(({ provider, path }) => (
          <a
            key={provider}
            href={`${path}?${new URLSearchParams({ purpose: 'confirm', return: returnTo }).toString()}`}
            onClick={onLeave}
            className="inline-flex min-h-8 items-center rounded-control bg-tide px-3 text-sm font-medium text-on-tide hover:opacity-90 touch:min-h-11"
          >
            <Trans>Continue with {providerName(provider, known)}</Trans>
          </a>
        ))}
        <Button look="quiet" onClick={onCancel}>
          <Trans>Cancel</Trans>
        </Button>
      </div>
    </section>
  )
}
