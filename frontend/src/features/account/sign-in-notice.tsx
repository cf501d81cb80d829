import { Trans, useLingui } from '@lingui/react/macro'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { useServiceInfo } from '@/lib/service-info'
import type { SignInProps } from './sign-in'
import { signInWords } from './sign-in-errors'

/** What became of the last try, and what to do now. */
export function SignInNotice({ error, tried, use }: SignInProps) {
  const { i18n } = useLingui()
  const nameOf = useProviderName()
  if (error === 'same_email') return <SameEmail first={nameOf(use)} then={nameOf(tried)} />
  if (error) {
    const { title, text } = signInWords(error)
    return (
      <Notice role="alert" tone="info">
        <p className="font-medium">{i18n._(title)}</p>
        <p className="text-ink-2">{i18n._(text)}</p>
      </Notice>
    )
  }
  return null
}

/** Says that a sign-in waits for an answer, and asks for it once more. */
export function NeedNotice({ onAnswer }: { onAnswer(): void }) {
  return (
    <Notice
      role="status"
      tone="info"
      actions={
        <Button look="primary" onClick={onAnswer}>
          <Trans>Answer now</Trans>
        </Button>
      }
    >
      <Trans>Before you are signed in there is something to answer.</Trans>
    </Notice>
  )
}

function SameEmail({ first, then }: { first: string | null; then: string | null }) {
  return (
    <Notice role="alert" tone="info">
      <p className="font-medium">
        <Trans>There is an account with this e-mail address already.</Trans>
      </p>
      <p className="text-ink-2">
        {first && then ? (
          <Trans>
            Sign in with {first} first. Then link {then} in the settings, and both lead to the same account.
          </Trans>
        ) : (
          <Trans>Sign in the way you did before. Then link this one in the settings, and both lead to the same account.</Trans>
        )}
      </p>
    </Notice>
  )
}

/** What people call a provider; the address of the page may carry anything. */
function useProviderName(): (id: string | null) => string | null {
  const providers = useServiceInfo()?.providers ?? []
  return (id) => providers.find(({ provider }) => provider.toLowerCase() === id?.toLowerCase())?.name ?? null
}
