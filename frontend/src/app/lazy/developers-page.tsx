import { Trans } from '@lingui/react/macro'
import { Link, useLocation, useNavigate, useSearch } from '@tanstack/react-router'
import { Suspense, useEffect } from 'react'
import { Loading } from '@/components/page/load-state'
import { NeedsAccount } from '@/components/page/needs-account'
import { Analytics } from '@/features/developers/analytics/analytics'
import { Logs } from '@/features/developers/logs/logs'
import { DevelopersNav, type DevelopersPageName, needsAccount, pageAt, pathOf, usePageNames } from '@/features/developers/nav'
import { Overview } from '@/features/developers/overview'
import { QuickStarts } from '@/features/developers/quick-starts'
import { KeysPage } from '@/features/settings/keys-page'
import { lazyPart } from '@/components/ui/lazy-part'
import { showTitle } from '@/lib/page-title'
import { useServiceInfo } from '@/lib/service-info'
import { NotFoundPage } from '../not-found-page'
import { Page } from './page'

const Playground = lazyPart(() => import('@/features/developers/playground/playground').then((part) => part.Playground))
const Completions = lazyPart(() => import('@/features/developers/completions/completions').then((part) => part.Completions))

/** What those need who write programs: keys, logs, figures, a place to try, and how to begin. */
export function DevelopersPage() {
  const page = pageAt(useLocation({ select: (location) => location.pathname }))
  return page ? <Shown page={page} /> : <NotFoundPage />
}

/** The words of an address, and numbers that look like them. */
function wordsOf(search: object): Partial<Record<string, string>> {
  const words = Object.entries(search).filter(([, word]) => typeof word === 'string' || typeof word === 'number')
  return Object.fromEntries(words.map(([key, word]) => [key, String(word)]))
}

function Shown({ page }: { page: DevelopersPageName }) {
  const names = usePageNames()
  const service = useServiceInfo()?.service.name ?? 'Kimi K2'
  const title = names[page]
  useEffect(() => showTitle(`${title} – ${service}`), [title, service])
  const isPlayground = page === 'playground' || page === 'completions'
  const room = isPlayground ? 'max-w-[100rem] pb-5' : 'max-w-6xl pb-16'
  return (
    <Page>
      <div className={`developers mx-auto px-5 pt-2 wide:px-8 ${room}`}>
        <DevelopersNav current={page} />
        <h1 className={isPlayground ? 'sr-only' : 'mt-7 mb-5 text-xl font-semibold'}>{title}</h1>
        <Body page={page} />
      </div>
    </Page>
  )
}

function Body({ page }: { page: DevelopersPageName }) {
  const info = useServiceInfo()
  const navigate = useNavigate()
  const search = wordsOf(useSearch({ strict: false }))
  const choose = (words: Record<string, string>) =>
    void navigate({ to: '/developers/$page', params: { page }, search: words, replace: true })
  if (page === 'quick-starts') return <QuickStarts asked={search} onChoose={choose} />
  if (!info) return <Loading />
  if (needsAccount(page) && info.viewer.kind !== 'ACCOUNT') return <NeedsAccount returnTo={pathOf(page)} />
  if (page === 'overview') return <Overview hasAccount={info.viewer.kind === 'ACCOUNT'} />
  if (page === 'keys') {
    return (
      <div className="max-w-2xl">
        <p className="mb-6 text-sm text-ink-2">
          <Trans>
            The same keys are in the{' '}
            <Link to="/settings/$page" params={{ page: 'keys' }} className="text-tide underline underline-offset-3">
              settings
            </Link>
            . What a key did is in its{' '}
            <Link to="/developers/$page" params={{ page: 'logs' }} className="text-tide underline underline-offset-3">
              request logs
            </Link>
            .
          </Trans>
        </p>
        <KeysPage />
      </div>
    )
  }
  if (page === 'logs') return <Logs asked={search} onChoose={choose} />
  if (page === 'analytics') return <Analytics asked={search} onChoose={choose} />
  return (
    <Suspense fallback={<Loading rows={6} />}>
      {page === 'completions' ? <Completions error={search.error ?? null} /> : <Playground />}
    </Suspense>
  )
}
