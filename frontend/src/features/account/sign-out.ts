import { t } from '@lingui/core/macro'
import { flushDeletions } from '@/lib/deletions'
import { showToast } from '@/lib/toasts'
import { signingOut } from '@/lib/ui-state'
import { forgetLocalData } from './local-data'

/** The longest that deletions delay a sign-out, in milliseconds. */
const deletionsWait = 3_000

/**
 * Ends this session at the server, forgets what this browser keeps of the account, and
 * starts the app anew, so that nothing of it stays in memory either. What was to be deleted
 * is deleted first: it can't be afterwards.
 */
export async function signOut(go: () => void = () => location.assign('/')): Promise<void> {
  signingOut.set(true)
  await Promise.race([flushDeletions(), new Promise((resolve) => setTimeout(resolve, deletionsWait))])
  try {
    const response = await fetch('/auth/sign-out', { method: 'POST', cache: 'no-store', redirect: 'manual' })
    // A redirect that isn't followed says nothing but that it is one.
    if (!response.ok && response.type !== 'opaqueredirect') throw new Error(`sign-out answered ${response.status}`)
  } catch {
    signingOut.set(false)
    showToast({ text: t`You are still signed in: the server can’t be reached. Try again.`, tone: 'danger' })
    return
  }
  forgetLocalData()
  go()
}
