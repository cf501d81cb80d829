import { CookieBanner } from '@/features/consent/cookie-banner'
import { PolicyNews } from '@/features/policy/policy-news'
import { useServiceInfo } from '@/lib/service-info'

/** What is asked over the page: about a new version of the policy, and about cookies. */
export function Asked({ cookies }: { cookies: boolean }) {
  const news = useServiceInfo()?.viewer.gate.news
  return (
    <>
      {news && <PolicyNews />}
      {cookies && <CookieBanner />}
    </>
  )
}
