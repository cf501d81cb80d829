import { Trans, useLingui } from '@lingui/react/macro'
import { useEffect } from 'react'
import { Transparency } from '@/features/transparency/transparency'
import { showTitle } from '@/lib/page-title'
import { useServiceInfo } from '@/lib/service-info'
import { Page } from './page'

/** How the promises of the privacy policy are kept, for everybody. */
export function TransparencyPage() {
  const { t } = useLingui()
  const service = useServiceInfo()?.service.name ?? 'Kimi K2'
  const title = t`Transparency`
  useEffect(() => showTitle(`${title} – ${service}`), [title, service])
  return (
    <Page>
      <div className="mx-auto max-w-3xl px-5 pt-2 pb-20 wide:px-8">
        <h1 className="text-2xl font-medium tracking-tight">{title}</h1>
        <p className="mt-2 mb-6 max-w-prose text-base text-ink-2">
          <Trans>
            What the{' '}
            <a href="/privacy" className="text-tide underline underline-offset-3">
              privacy policy
            </a>{' '}
            promises, and whether it is kept here, now.
          </Trans>
        </p>
        <Transparency />
      </div>
    </Page>
  )
}
