import { Trans } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { LogIn, Settings } from 'lucide-react'
import { Suspense } from 'react'
import { sidebarRow } from '@/features/conversations/sidebar'
import { lazyPart } from '@/components/ui/lazy-part'
import { useServiceInfo } from '@/lib/service-info'
import { drawer } from '@/lib/ui-state'

const AccountMenu = lazyPart(() => import('@/features/account/account-menu').then((part) => part.AccountMenu), 'near')

/** Who is signed in, or the way to sign in. */
export function SidebarFoot() {
  const viewer = useServiceInfo()?.viewer
  if (viewer?.account) {
    return (
      <Suspense fallback={<div className="h-12" />}>
        <AccountMenu account={viewer.account} />
      </Suspense>
    )
  }
  return (
    <>
      {viewer && (
        <Link to="/sign-in" onClick={() => drawer.set('closed')} className={`${sidebarRow} font-medium text-ink`}>
          <LogIn size={16} />
          <Trans>Sign in</Trans>
        </Link>
      )}
      <Link to="/settings" onClick={() => drawer.set('closed')} className={sidebarRow}>
        <Settings size={16} />
        <Trans>Settings</Trans>
      </Link>
    </>
  )
}
