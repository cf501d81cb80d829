import { i18n } from '@lingui/core'
import { I18nProvider } from '@lingui/react'
import { Suspense } from 'react'
import { StatusRegion } from '@/components/ui/status-region'
import { ToastRegion } from '@/components/ui/toast-region'
import { lazyPart } from '@/components/ui/lazy-part'
import { ErrorBoundary } from '../error-boundary'

const Shared = lazyPart(() => import('@/features/shares/shared').then((part) => part.Shared))

/**
 * A shared conversation. It stands beside the app and not in it: the app asks who is there, which makes
 * the server hand out a cookie, and a reader is to be asked nothing and given nothing.
 */
export function SharedPage() {
  const token = location.pathname.split('/')[2] ?? ''
  return (
    <I18nProvider i18n={i18n}>
      <ErrorBoundary>
        <Suspense fallback={null}>
          <Shared token={token} />
        </Suspense>
      </ErrorBoundary>
      <ToastRegion />
      <StatusRegion />
    </I18nProvider>
  )
}
