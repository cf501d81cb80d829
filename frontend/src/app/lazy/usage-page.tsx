import { useLingui } from '@lingui/react/macro'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Loading } from '@/components/page/load-state'
import { useQuarter } from '@/lib/clock'
import { Usage } from '@/features/usage/usage'
import { showTitle } from '@/lib/page-title'
import { useServiceInfo } from '@/lib/service-info'
import { parseUsage } from '../paths'
import { Page } from './page'

/** What was used, for whoever used it. */
export function UsagePage() {
  const { t } = useLingui()
  const navigate = useNavigate()
  const { from, to } = parseUsage(useSearch({ strict: false }))
  const now = useQuarter()
  const info = useServiceInfo()
  const service = info?.service.name ?? 'Kimi K2'
  const title = t`Usage`
  useEffect(() => showTitle(`${title} – ${service}`), [title, service])
  return (
    <Page>
      <div className="mx-auto max-w-5xl px-5 pt-2 pb-16 wide:px-8">
        <h1 className="mb-6 text-xl font-semibold">{title}</h1>
        {!info && <Loading />}
        {info && (
          <Usage
            asked={{ from, to }}
            hasAccount={info.viewer.kind === 'ACCOUNT'}
            now={now}
            onChoose={(range) => void navigate({ to: '/usage', search: range, replace: true })}
          />
        )}
      </div>
    </Page>
  )
}
