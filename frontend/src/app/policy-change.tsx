import { Suspense } from 'react'
import { lazyPart } from '@/lib/lazy-part'
import { useServiceInfo } from '@/lib/service-info'

const PolicyNews = lazyPart(() => import('@/features/policy/policy-news').then((part) => part.PolicyNews))

/** Tells of a new version of the policy, until it is acknowledged. */
export function PolicyChange() {
  return useServiceInfo()?.viewer.gate.news ? (
    <Suspense fallback={null}>
      <PolicyNews />
    </Suspense>
  ) : null
}
