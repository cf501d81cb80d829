import { isRecord, parseJson, storage, tabStorage } from './storage'
import { prefsCookie, storageKeys } from './storage-keys'
import { createStore } from './store'

const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const languages = ['en', 'zh'] as const
export type Language = (typeof languages)[number]

/** What sends: Enter alone, or Ctrl/Cmd+Enter while Enter makes a new line. */
const sendKeys = ['enter', 'mod-enter'] as const
export type SendKey = (typeof sendKeys)[number]

export interface Prefs {
  theme: Theme
  /** Null follows the browser. */
  language: Language | null
  sendKey: SendKey
  sidebar: 'open' | 'closed'
}

const defaults: Prefs = { theme: 'system', language: null, sendKey: 'enter', sidebar: 'open' }

function oneOf<T extends string>(all: readonly T[], value: unknown, otherwise: T): T {
  return all.find((one) => one === value) ?? otherwise
}

/** Reads prefs of any age: what is unknown takes its default. */
export function parsePrefs(value: unknown): Prefs {
  if (!isRecord(value)) return defaults
  return {
    theme: oneOf(themes, value.theme, defaults.theme),
    language: languages.find((one) => one === value.language) ?? null,
    sendKey: oneOf(sendKeys, value.sendKey, defaults.sendKey),
    sidebar: value.sidebar === 'closed' ? 'closed' : 'open',
  }
}

/** How long the cookie stays after the last change, in seconds: 180 days. */
const cookieAge = 15_552_000

function readCookie(): Prefs | null {
  const found = document.cookie.split('; ').find((one) => one.startsWith(`${prefsCookie}=`))
  if (!found || found.endsWith('=')) return null
  try {
    return parsePrefs(JSON.parse(decodeURIComponent(found.slice(prefsCookie.length + 1))))
  } catch {
    return defaults
  }
}

function writeCookie(value: string, seconds: number): void {
  const secure = location.protocol === 'https:' ? '; Secure' : ''
  // The cookie store of newer browsers isn't there over plain HTTP.
  // oxlint-disable-next-line unicorn/no-document-cookie
  document.cookie = `${prefsCookie}=${encodeURIComponent(value)}; Path=/; Max-Age=${seconds}; SameSite=Lax${secure}`
}

/** Earlier versions kept them in localStorage, without asking. */
storage.remove(storageKeys.prefs)

const kept = readCookie()

/** The viewer's choices. */
export const prefs = createStore<Prefs>(kept ?? parsePrefs(parseJson(tabStorage.read(storageKeys.prefs), isRecord)))

/**
 * Where choices are kept: in a cookie with the person's consent, else with the tab. The
 * cookie is only there with consent, so it tells before the server is asked.
 */
let place: 'cookie' | 'tab' = kept ? 'cookie' : 'tab'

function keep(): void {
  const value = JSON.stringify(prefs.get())
  if (place === 'cookie') writeCookie(value, cookieAge)
  else tabStorage.write(storageKeys.prefs, value)
}

/** Changes and keeps some choices. */
export function setPrefs(change: Partial<Prefs>): void {
  prefs.update((now) => ({ ...now, ...change }))
  keep()
  applyTheme()
}

/** Moves what is kept to where the person's consent lets it be. */
export function keepPrefsIn(next: 'cookie' | 'tab'): void {
  if (next === place) return
  place = next
  if (next === 'cookie') tabStorage.remove(storageKeys.prefs)
  else writeCookie('', -1)
  keep()
}

/** The language to use: the chosen one, else the browser's if we speak it, else English. */
export function languageInUse(): Language {
  const chosen = prefs.get().language
  if (chosen) return chosen
  const spoken = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase())
  return languages.find((one) => spoken[0] === one) ?? 'en'
}

/** Puts the theme on the document, as boot.js did before the first paint. */
function applyTheme(): void {
  const { theme } = prefs.get()
  const root = document.documentElement
  if (theme === 'system') delete root.dataset.theme
  else root.dataset.theme = theme
}

/** Takes over what another tab has changed, when somebody looks at this one again. */
export function followOtherTabs(): () => void {
  const look = () => {
    const changed = place === 'cookie' && document.visibilityState === 'visible' ? readCookie() : null
    if (!changed || JSON.stringify(changed) === JSON.stringify(prefs.get())) return
    prefs.set(changed)
    applyTheme()
  }
  document.addEventListener('visibilitychange', look)
  return () => document.removeEventListener('visibilitychange', look)
}
