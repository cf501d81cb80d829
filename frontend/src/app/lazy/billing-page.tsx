import { useLingui } from '@lingui/react/macro'
import { useSearch } from '@tanstack/react-router'
import { type ReactNode, useEffect } from 'react'
import { Loading } from '@/components/page/load-state'
import { NeedsAccount } from '@/components/page/needs-account'
import { Billing } from '@/features/billing/billing'
import { Bought } from '@/features/billing/bought'
import { showTitle } from '@/lib/page-title'
import { useServiceInfo } from '@/lib/service-info'
import { parseBought } from '../paths'
import { Page } from './page'

/** The wallet of whoever has an account. */
export function BillingPage() {
  const { t } = useLingui()
  return (
    <Frame title={t`Billing`}>
      <Billing />
    </Frame>
  )
}

/** Where a payment provider sends people back to. */
export function BoughtPage() {
  const { t } = useLingui()
  const { purchase = '' } = parseBought(useSearch({ strict: false }))
  return (
    <Frame title={t`Your purchase`} returnTo={purchase ? `/billing/return?purchase=${purchase}` : '/billing'}>
      {purchase ? <Bought id={purchase} /> : <Billing />}
    </Frame>
  )
}

function Frame({ title, returnTo = '/billing', children }: { title: string; returnTo?: string; children: ReactNode }) {
  const info = useServiceInfo()
  const service = info?.service.name ?? 'Kimi K2'
  useEffect(() => showTitle(`${title} – ${service}`), [title, service])
  return (
    <Page>
      <div className="mx-auto max-w-3xl px-5 pt-2 pb-16 wide:px-8">
        <h1 className="mb-6 text-xl font-semibold">{title}</h1>
        {!info && <Loading />}
        {info && (info.viewer.kind === 'ACCOUNT' ? children : <NeedsAccount returnTo={returnTo} />)}
      </div>
    </Page>
  )
}
