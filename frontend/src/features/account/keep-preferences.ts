import type { Client } from '@urql/core'
import { activateInUse } from '@/lib/i18n'
import { prefs, type Prefs, setPrefs } from '@/lib/prefs'
import type { ServiceInfo } from '@/lib/service-info'
import { type AccountUpdateInput, PreferencesKeepDocument } from '@/gql/graphql'

type Account = NonNullable<ServiceInfo['viewer']['account']>

const themes = { SYSTEM: 'system', LIGHT: 'light', DARK: 'dark' } as const
const sendKeys = { ENTER: 'enter', MOD_ENTER: 'mod-enter' } as const

/** What the account has chosen, as this app writes it; what it never chose is left out. */
export function chosenBy({ theme, language, sendKey }: Pick<Account, 'theme' | 'language' | 'sendKey'>): Partial<Prefs> {
  const spoken = language?.slice(0, 2)
  return {
    ...(theme && { theme: themes[theme] }),
    ...((spoken === 'en' || spoken === 'zh') && { language: spoken }),
    ...(sendKey && { sendKey: sendKeys[sendKey] }),
  }
}

/** What has to be told to the account so that it chooses what `now` says. */
export function differenceTo(before: Prefs, now: Prefs): AccountUpdateInput | null {
  const input: AccountUpdateInput = {
    ...(now.theme !== before.theme && { theme: ({ system: 'SYSTEM', light: 'LIGHT', dark: 'DARK' } as const)[now.theme] }),
    ...(now.language !== before.language && now.language !== null && { language: now.language }),
    ...(now.sendKey !== before.sendKey && { sendKey: now.sendKey === 'enter' ? 'ENTER' : 'MOD_ENTER' }),
  }
  return Object.keys(input).length > 0 ? input : null
}

let stop = () => {}
let underWay = 0

/** A choice that can't be kept still counts here; the next one is told again. */
async function tell(client: Client, input: AccountUpdateInput): Promise<void> {
  underWay++
  await client.mutation(PreferencesKeepDocument, { input }).toPromise()
  underWay--
}

/**
 * Takes over what the account has chosen, here or on another device, and tells it every
 * later choice made here. While one is being told, what comes back is older than it.
 */
export function adoptPreferences(client: Client, account: Parameters<typeof chosenBy>[0]): void {
  if (underWay > 0) return
  stop()
  const language = prefs.get().language
  const chosen = chosenBy(account)
  if (Object.keys(chosen).length > 0) setPrefs(chosen)
  if (prefs.get().language !== language) void activateInUse()
  let before = prefs.get()
  stop = prefs.subscribe(() => {
    const now = prefs.get()
    const input = differenceTo(before, now)
    before = now
    if (input) void tell(client, input)
  })
}
