import { Trans } from '@lingui/react/macro'
import { useServiceInfo } from '@/lib/service-info'

/** Where to ask for help; nothing when the operator names no address. */
export function SupportLine() {
  const support = useServiceInfo()?.service.supportEmail
  if (!support) return null
  return (
    <p className="text-sm text-ink-3">
      <Trans>
        If you need help, write to{' '}
        <a href={`mailto:${support}`} className="text-tide underline underline-offset-3">
          {support}
        </a>
        .
      </Trans>
    </p>
  )
}
