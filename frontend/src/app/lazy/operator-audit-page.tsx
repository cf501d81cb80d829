import { Trans, useLingui } from '@lingui/react/macro'
import { useEffect } from 'react'
import { Notice } from '@/components/ui/notice'
import { Audit } from '@/features/operator/audit'
import { showTitle } from '@/lib/page-title'
import { useServiceInfo } from '@/lib/service-info'
import { Page } from './page'

/** What was done on this installation, for whoever runs it. */
export function OperatorAuditPage() {
  const { t } = useLingui()
  const info = useServiceInfo()
  const service = info?.service.name ?? 'Kimi K2'
  const title = t`What was done`
  useEffect(() => showTitle(`${title} – ${service}`), [title, service])
  return (
    <Page>
      <div className="mx-auto max-w-3xl px-5 pt-2 pb-16 wide:px-8">
        <h1 className="mb-6 text-xl font-semibold">{title}</h1>
        {info?.viewer.account?.role === 'ADMIN' && <Audit />}
        {info && info.viewer.account?.role !== 'ADMIN' && (
          <Notice role="status">
            <Trans>This page is for whoever runs this installation.</Trans>
          </Notice>
        )}
      </div>
    </Page>
  )
}
