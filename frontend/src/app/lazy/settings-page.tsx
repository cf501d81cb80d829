import { Trans } from '@lingui/react/macro'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import { ChevronLeft } from 'lucide-react'
import { Suspense, useEffect } from 'react'
import { forgetLocalData } from '@/features/account/local-data'
import { ActivityPage } from '@/features/settings/activity-page'
import { AppearancePage } from '@/features/settings/appearance-page'
import { IdentitiesPage } from '@/features/settings/identities-page'
import { DataPage } from '@/features/deletion/data-page'
import { TakeAlong } from '@/features/exports/take-along'
import { ShareList } from '@/features/shares/share-list'
import { Loading } from '@/components/page/load-state'
import { NeedsAccount } from '@/components/page/needs-account'
import { KeysPage } from '@/features/settings/keys-page'
import { PrivacyChoicesPage } from '@/features/settings/privacy-choices-page'
import { ProfilePage } from '@/features/settings/profile-page'
import { SessionsPage } from '@/features/settings/sessions-page'
import { needsAccount, SettingsNav, type SettingsPageName, settingsPages, usePageNames } from '@/features/settings/settings-nav'
import { lazyPart } from '@/components/ui/lazy-part'
import { showTitle } from '@/lib/page-title'
import { useServiceInfo } from '@/lib/service-info'
import { NotFoundPage } from '../not-found-page'
import { useMedia } from '../use-media'
import { parseReturn } from '../paths'
import { Page } from './page'

const HeldPage = lazyPart(() => import('@/features/held/held-page').then((part) => part.HeldPage))

/** The settings: a list beside the page where there is room, else a list that leads to it. */
export function SettingsPage() {
  const { page } = useParams({ strict: false })
  const info = useServiceInfo()
  const roomy = useMedia('(min-width: 64rem)')
  const hasAccount = info?.viewer.kind === 'ACCOUNT'
  const named = settingsPages.find((one) => one === page)
  if (page !== undefined && !named) return <NotFoundPage />
  const shown = named ?? (roomy ? (hasAccount ? 'profile' : 'appearance') : null)
  return (
    <Page>
      <div className="mx-auto flex max-w-5xl gap-12 px-5 pt-2 pb-16 wide:px-8">
        {roomy && (
          <div className="sticky top-14 w-52 shrink-0 self-start">
            <p className="mb-3 px-3 text-lg font-semibold">
              <Trans>Settings</Trans>
            </p>
            <SettingsNav current={shown} hasAccount={hasAccount} shape="side" />
          </div>
        )}
        <div className="min-w-0 max-w-2xl flex-1">
          {shown ? (
            <Shown page={shown} known={info !== null} hasAccount={hasAccount} roomy={roomy} />
          ) : (
            <List hasAccount={hasAccount} />
          )}
        </div>
      </div>
    </Page>
  )
}

function List({ hasAccount }: { hasAccount: boolean }) {
  return (
    <>
      <h1 className="mb-4 text-xl font-semibold">
        <Trans>Settings</Trans>
      </h1>
      <SettingsNav current={null} hasAccount={hasAccount} shape="list" />
    </>
  )
}

interface ShownProps {
  page: SettingsPageName
  /** Whether it is known who is asking. */
  known: boolean
  hasAccount: boolean
  roomy: boolean
}

function Shown({ page, known, hasAccount, roomy }: ShownProps) {
  const names = usePageNames()
  const service = useServiceInfo()?.service.name ?? 'Kimi K2'
  const title = names[page]
  useEffect(() => showTitle(`${title} – ${service}`), [title, service])
  return (
    <>
      {!roomy && (
        <Link
          to="/settings"
          className="-ml-1.5 mb-2 inline-flex min-h-8 items-center gap-1 rounded-control pr-2 text-sm text-ink-2 hover:text-ink touch:min-h-11"
        >
          <ChevronLeft size={17} aria-hidden="true" />
          <Trans>Settings</Trans>
        </Link>
      )}
      <h1 className="mb-6 text-xl font-semibold">{title}</h1>
      <div>
        <Body page={page} known={known} hasAccount={hasAccount} />
      </div>
    </>
  )
}

function Body({ page, known, hasAccount }: Omit<ShownProps, 'roomy'>) {
  const { error = null } = parseReturn(useSearch({ strict: false }))
  const sharing = useServiceInfo()?.service.sharing
  if (page === 'appearance') return <AppearancePage />
  if (!known) return <Loading />
  if (needsAccount(page) && !hasAccount) return <NeedsAccount returnTo={`/settings/${page}`} />
  if (page === 'profile') return <ProfilePage error={error} />
  if (page === 'sessions') return <SessionsPage />
  if (page === 'identities') return <IdentitiesPage error={error} />
  if (page === 'keys') {
    return (
      <>
        <p className="-mt-4 mb-6 text-sm text-ink-2">
          <Trans>
            What programs do with them, and how to begin, is under{' '}
            <Link to="/developers" className="text-tide underline underline-offset-3">
              Developers
            </Link>
            .
          </Trans>
        </p>
        <KeysPage error={error} />
      </>
    )
  }
  if (page === 'held') {
    return (
      <Suspense fallback={<Loading rows={6} />}>
        <HeldPage />
      </Suspense>
    )
  }
  if (page === 'data') {
    return (
      <>
        {hasAccount && sharing && <ShareList />}
        <TakeAlong error={error} />
        <DataPage error={error} onDeleted={(ticket) => void leave(ticket, hasAccount)} />
      </>
    )
  }
  return page === 'activity' ? <ActivityPage /> : <PrivacyChoicesPage />
}

/** Nothing of who is deleted stays in this browser, and the app begins anew at the receipt. */
async function leave(ticket: string, hasAccount: boolean): Promise<void> {
  forgetLocalData()
  // The session is dead; this takes its cookie away.
  if (hasAccount) await fetch('/auth/sign-out', { method: 'POST', cache: 'no-store', redirect: 'manual' }).catch(() => null)
  location.assign(`/deleted#${ticket}`)
}
