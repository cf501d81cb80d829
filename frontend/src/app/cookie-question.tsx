import { Suspense } from 'react'
import { lazyPart } from '@/components/ui/lazy-part'
import { useServiceInfo } from '@/lib/service-info'

const Asked = lazyPart(() => import('./lazy/asked').then((part) => part.Asked), 'near', 'nothing')

/** The question about cookies, for as long as nobody has chosen, and a new version of the policy, until it is acknowledged. */
export function CookieQuestion() {
  const viewer = useServiceInfo()?.viewer
  if (!viewer) return null
  const cookies = !viewer.consents.some(({ kind }) => kind === 'PREFERENCES_COOKIE')
  return cookies || viewer.gate.news ? (
    <Suspense fallback={null}>
      <Asked cookies={cookies} />
    </Suspense>
  ) : null
}
