import { useEffect } from 'react'
import { useClient } from 'urql'
import { missing, missingStep } from '@/lib/questions'
import { keepPrefsIn } from '@/lib/prefs'
import type { ServiceInfo } from '@/lib/service-info'
import { storage } from '@/lib/storage'
import { storageKeys } from '@/lib/storage-keys'
import { signingOut } from '@/lib/ui-state'

/** The account this page was drawn for; null for somebody without one, undefined before it is known. */
let shownFor: string | null | undefined

/** Tells the rest of the app who is asking, whenever the server has said so. */
export function useIdentity(viewer: ServiceInfo['viewer'] | undefined): void {
  const client = useClient()
  const granted = viewer?.consents.some(({ kind, granted: yes }) => kind === 'PREFERENCES_COOKIE' && yes)
  const accountId = viewer && (viewer.account?.id ?? null)
  const step = viewer && missingStep(viewer.gate)

  useEffect(() => {
    if (granted !== undefined) keepPrefsIn(granted ? 'cookie' : 'tab')
  }, [granted])

  useEffect(() => {
    if (accountId === undefined || step === undefined) return
    void settle(accountId).then((same) => {
      // Nothing is sent in the name of somebody else.
      missing.set(same ? step : 'unknown')
    })
  }, [accountId, step])

  const { theme = null, language = null, sendKey = null } = viewer?.account ?? {}
  useEffect(() => {
    if (!accountId) return
    const keeping = import('@/features/account/keep-preferences')
    void keeping.then(({ adoptPreferences }) => adoptPreferences(client, { theme, language, sendKey }))
  }, [client, accountId, theme, language, sendKey])
}

/**
 * Lets the data in this browser follow who is signed in. False when this page was drawn
 * for an account that it is no longer: it goes away then.
 */
async function settle(accountId: string | null): Promise<boolean> {
  const before = shownFor
  shownFor = accountId
  const owner = storage.read(storageKeys.owner)
  if (owner !== accountId) {
    const { changeOwner } = await import('@/features/account/local-data')
    await changeOwner(owner, accountId)
  }
  if (!before || before === accountId || signingOut.get()) return true
  leave(accountId)
  return false
}

/** Everything of the former account that is on show or in memory goes with the page. */
function leave(accountId: string | null): void {
  location.assign(accountId === null ? `/sign-in?error=ended&return=${encodeURIComponent(location.pathname)}` : '/')
}
