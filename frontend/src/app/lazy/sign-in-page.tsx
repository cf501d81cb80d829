import { useSearch } from '@tanstack/react-router'
import { SignIn } from '@/features/account/sign-in'
import { parseSignIn } from '../paths'
import { Page } from './page'

/** Where people sign in, and where they come back to when that didn't work. */
export function SignInPage() {
  const {
    return: back = '/',
    error = null,
    need = null,
    provider = null,
    use = null,
    guest,
  } = parseSignIn(useSearch({ strict: false }))
  return (
    <Page>
      <SignIn back={back} error={error} need={need} tried={provider} use={use} wish={guest === 'discard' ? 'discard' : 'keep'} />
    </Page>
  )
}
