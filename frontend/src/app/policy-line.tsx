import { Trans } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { useServiceInfo } from '@/lib/service-info'

const link = 'rounded-control text-ink-2 underline underline-offset-3 hover:no-underline'

/** The line below the composer: what using the service means, for those who haven't signed in. */
export function PolicyLine() {
  const info = useServiceInfo()
  const name = info?.service.name ?? 'Kimi K2'
  return (
    <p className="pb-3 text-center text-xs leading-5 text-ink-3">
      {info && info.viewer.kind !== 'ACCOUNT' ? (
        <Trans>
          By using {name} you consent to the{' '}
          <Link to="/privacy" className={link}>
            privacy policy
          </Link>
          .
        </Trans>
      ) : (
        <Link to="/privacy" className={link}>
          <Trans>Privacy policy</Trans>
        </Link>
      )}
    </p>
  )
}
