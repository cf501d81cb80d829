import { Policy } from '@/features/policy/policy'
import { Page } from './page'

/** The privacy policy, for everybody. */
export function PrivacyPage() {
  return (
    <Page>
      <Policy />
    </Page>
  )
}
