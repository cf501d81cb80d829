import { Trans } from '@lingui/react/macro'
import { SupportLine } from '@/components/ui/support-line'
import { Link } from '@tanstack/react-router'

/** For addresses that lead nowhere. */
export function NotFoundPage() {
  return (
    <div className="flex h-full flex-col items-center justify-center gap-3 px-5 text-center">
      <h1 className="text-xl font-medium">
        <Trans>There is nothing at this address.</Trans>
      </h1>
      <Link to="/" className="text-tide underline underline-offset-3">
        <Trans>Start a new chat</Trans>
      </Link>
      <SupportLine />
    </div>
  )
}
