import { Trans } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { Notice } from '@/components/ui/notice'

/** In place of a page that only an account has. */
export function NeedsAccount({ returnTo }: { returnTo: string }) {
  return (
    <Notice
      actions={
        <Link
          to="/sign-in"
          search={{ return: returnTo }}
          className="inline-flex min-h-8 items-center rounded-control bg-tide px-3 font-medium text-on-tide hover:opacity-90 touch:min-h-11"
        >
          <Trans>Sign in</Trans>
        </Link>
      }
    >
      <Trans>This page belongs to an account: sign in to see what is yours.</Trans>
    </Notice>
  )
}
