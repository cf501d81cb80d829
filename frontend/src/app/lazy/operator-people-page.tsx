import { Trans, useLingui } from '@lingui/react/macro'
import { useSearch } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Loading } from '@/components/page/load-state'
import { Notice } from '@/components/ui/notice'
import { RemoveAccount } from '@/features/operator/remove-account'
import { showTitle } from '@/lib/page-title'
import { useServiceInfo } from '@/lib/service-info'
import { Page } from './page'

/** Whose account is removed, for whoever runs this installation. */
export function OperatorPeoplePage() {
  const { t } = useLingui()
  const { error = null } = useSearch({ from: '/operator/people' })
  const info = useServiceInfo()
  const service = info?.service.name ?? 'Kimi K2'
  const title = t`People`
  useEffect(() => showTitle(`${title} – ${service}`), [title, service])
  return (
    <Page>
      <div className="mx-auto max-w-3xl px-5 pt-2 pb-16 wide:px-8">
        <h1 className="mb-6 text-xl font-semibold">{title}</h1>
        {!info && <Loading />}
        {info?.viewer.account?.role === 'ADMIN' && <RemoveAccount error={error} />}
        {info && info.viewer.account?.role !== 'ADMIN' && (
          <Notice role="status">
            <Trans>This page is for whoever runs this installation.</Trans>
          </Notice>
        )}
      </div>
    </Page>
  )
}
