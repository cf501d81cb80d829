import { Trans } from '@lingui/react/macro'
import { useParams, useSearch } from '@tanstack/react-router'
import { type ComponentType, Suspense, useEffect } from 'react'
import { Loading } from '@/components/page/load-state'
import { Notice } from '@/components/ui/notice'
import { OperatorNav, type OperatorPageName, operatorPages, usePageNames } from '@/features/operator/nav'
import { lazyPart } from '@/components/ui/lazy-part'
import { showTitle } from '@/lib/page-title'
import { useServiceInfo } from '@/lib/service-info'
import { NotFoundPage } from '../not-found-page'
import { parseReturn } from '../paths'
import { Page } from './page'

interface BodyProps {
  /** Why a way to a provider ended without its aim. */
  error: string | null
}

const bodies: Record<OperatorPageName, ComponentType<BodyProps>> = {
  mails: lazyPart(() => import('@/features/operator/outbox').then((part) => part.Outbox)),
  notices: lazyPart(() => import('@/features/operator/notices').then((part) => part.Notices)),
  people: lazyPart(() => import('@/features/operator/remove-account').then((part) => part.RemoveAccount)),
  money: lazyPart(() => import('@/features/operator/money').then((part) => part.Money)),
  legal: lazyPart(() => import('@/features/operator/legal').then((part) => part.Legal)),
  audit: lazyPart(() => import('@/features/operator/audit').then((part) => part.Audit)),
  retention: lazyPart(() => import('@/features/operator/retention').then((part) => part.Retention)),
}

/** What whoever runs this installation sees and does. */
export function OperatorPages() {
  const { page = 'mails' } = useParams({ strict: false })
  const named = operatorPages.find((one) => one === page)
  return named ? <Shown page={named} /> : <NotFoundPage />
}

function Shown({ page }: { page: OperatorPageName }) {
  const info = useServiceInfo()
  const { error = null } = parseReturn(useSearch({ strict: false }))
  const service = info?.service.name ?? 'Kimi K2'
  const title = usePageNames()[page]
  useEffect(() => showTitle(`${title} – ${service}`), [title, service])
  const isOperator = info?.viewer.account?.role === 'ADMIN'
  const Body = bodies[page]
  return (
    <Page>
      <div className="mx-auto max-w-4xl px-5 pt-2 pb-16 wide:px-8">
        {isOperator && <OperatorNav current={page} />}
        <h1 className="mb-6 text-xl font-semibold">{title}</h1>
        {!info && <Loading />}
        {isOperator && (
          <Suspense fallback={<Loading />}>
            <Body error={error} />
          </Suspense>
        )}
        {info && !isOperator && (
          <Notice role="status">
            <Trans>This page is for whoever runs this installation.</Trans>
          </Notice>
        )}
      </div>
    </Page>
  )
}
