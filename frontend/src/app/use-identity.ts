import { useEffect } from 'react'
import { useClient } from 'urql'
import { missing, missingStep } from '@/lib/questions'
import { offerReload } from '@/lib/offer-reload'
import { keepPrefsIn } from '@/lib/prefs'
import type { ServiceInfo } from '@/lib/service-info'
import { storage } from '@/lib/storage'
import { storageKeys } from '@/lib/storage-keys'
import { signingOut } from '@/lib/ui-state'

/** The account this page was drawn for; null for somebody without one, undefined before it is known. */
let shownFor: string | null | undefined

/** Whether this page has gone away because it was drawn for an account that it is no longer. */
let left = false

/** Milliseconds before it is tried again to have the data here follow who is signed in. */
const retryAfter = 3_000

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
    let timer: ReturnType<typeof setTimeout> | undefined
    let over = false
    const find = async (tries: number) => {
      // Nothing is sent in the name of somebody else, nor before it is known whose text is here.
      const same = await settle(accountId).catch(() => null)
      if (over) return
      missing.set(same ? step : 'unknown')
      if (same !== null) return
      if (tries === 2) offerReload()
      timer = setTimeout(() => void find(tries + 1), retryAfter)
    }
    void find(1)
    return () => {
      over = true
      clearTimeout(timer)
    }
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
  const owner = storage.read(storageKeys.owner)
  if (owner !== accountId) {
    const { changeOwner } = await import('@/features/account/local-data')
    await changeOwner(owner, accountId)
  }
  const before = shownFor
  shownFor = accountId
  if (!before || before === accountId || signingOut.get()) return true
  leave(accountId)
  return false
}

/** Everything of the former account that is on show or in memory goes with the page. */
function leave(accountId: string | null): void {
  left = true
  location.assign(accountId === null ? `/sign-in?error=ended&return=${encodeURIComponent(location.pathname)}` : '/')
}

/**
 * Loads a page anew that the browser kept and shows again by Back, when the session has ended
 * or somebody else has signed in meanwhile. The returned function ends it.
 */
export function watchReturn(): () => void {
  const onShow = ({ persisted }: PageTransitionEvent) => {
    const same = storage.read(storageKeys.owner) === (shownFor ?? null)
    if (!persisted || (same && !left && !signingOut.get())) return
    document.body.hidden = true
    location.reload()
  }
  window.addEventListener('pageshow', onShow)
  return () => window.removeEventListener('pageshow', onShow)
}
