import { useLingui } from '@lingui/react/macro'
import { useLocation, useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Continue } from '@/features/shares/continue'
import { showTitle } from '@/lib/page-title'
import { useServiceInfo } from '@/lib/service-info'
import { Page } from './page'

/** Where a shared conversation leads: the link's token stands behind the #, which no server log sees. */
export function ContinuePage() {
  const { t } = useLingui()
  const navigate = useNavigate()
  const token = useLocation({ select: ({ hash }) => hash })
  const service = useServiceInfo()?.service.name ?? 'Kimi K2'
  const title = t`Continue a shared conversation`
  useEffect(() => showTitle(`${title} – ${service}`), [title, service])
  return (
    <Page>
      <div className="mx-auto max-w-2xl px-5 pt-2 pb-16 wide:px-8">
        <h1 className="mb-6 text-xl font-semibold">{title}</h1>
        <Continue token={token} onCopied={(id) => void navigate({ to: '/c/$id', params: { id }, replace: true })} />
      </div>
    </Page>
  )
}
