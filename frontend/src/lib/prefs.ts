import { isRecord, readJson, storage } from './storage'
import { storageKeys } from './storage-keys'
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

/** The viewer's choices, kept in this browser. */
export const prefs = createStore<Prefs>(parsePrefs(readJson(storageKeys.prefs, isRecord)))

/** Changes and stores some choices. */
export function setPrefs(change: Partial<Prefs>): void {
  prefs.update((now) => ({ ...now, ...change }))
  storage.write(storageKeys.prefs, JSON.stringify(prefs.get()))
  applyTheme()
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

/** Follows changes that another tab makes. */
export function followOtherTabs(): () => void {
  const onStorage = (event: StorageEvent) => {
    if (event.key !== storageKeys.prefs) return
    prefs.set(parsePrefs(readJson(storageKeys.prefs, isRecord)))
    applyTheme()
  }
  window.addEventListener('storage', onStorage)
  return () => window.removeEventListener('storage', onStorage)
}
