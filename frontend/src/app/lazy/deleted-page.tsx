import { useLingui } from '@lingui/react/macro'
import { useLocation } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Deleted } from '@/features/deletion/deleted'
import { showTitle } from '@/lib/page-title'
import { useServiceInfo } from '@/lib/service-info'
import { Page } from './page'

/** Where a deletion leads: its ticket stands behind the #, which no server log sees. */
export function DeletedPage() {
  const { t } = useLingui()
  const ticket = useLocation({ select: ({ hash }) => hash })
  const service = useServiceInfo()?.service.name ?? 'Kimi K2'
  const title = t`Deletion`
  useEffect(() => showTitle(`${title} – ${service}`), [title, service])
  return (
    <Page>
      <div className="mx-auto max-w-2xl px-5 pt-2 pb-16 wide:px-8">
        <h1 className="mb-6 text-xl font-semibold">{title}</h1>
        <Deleted ticket={ticket} />
      </div>
    </Page>
  )
}
