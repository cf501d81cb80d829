import { Suspense } from 'react'
import { lazyPart } from '@/lib/lazy-part'
import { useServiceInfo } from '@/lib/service-info'

const CookieBanner = lazyPart(() => import('@/features/consent/cookie-banner').then((part) => part.CookieBanner))

/** The question about cookies, for as long as nobody has chosen. */
export function CookieQuestion() {
  const consents = useServiceInfo()?.viewer.consents
  if (!consents || consents.some(({ kind }) => kind === 'PREFERENCES_COOKIE')) return null
  return (
    <Suspense fallback={null}>
      <CookieBanner />
    </Suspense>
  )
}
