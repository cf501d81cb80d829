import { i18n, type Messages } from '@lingui/core'
// English is in the first chunk, so that most pages wait for no second request.
import { messages as english } from '../locales/en.po'
import { languageInUse, type Language } from './prefs'

type Loaders = Record<Language, () => Promise<Messages>>

const first: Loaders = {
  en: async () => english,
  zh: async () => (await import('../locales/zh.po')).messages,
}
/** What is loaded when it is first wanted: what most people meet near a chat, and the other pages. */
export type Part = 'near' | 'pages'

/** Their words. */
const further: Record<Part, Loaders> = {
  near: {
    en: async () => (await import('../locales/near/en.po')).messages,
    zh: async () => (await import('../locales/near/zh.po')).messages,
  },
  pages: {
    en: async () => (await import('../locales/lazy/en.po')).messages,
    zh: async () => (await import('../locales/lazy/zh.po')).messages,
  },
}

const wanted = new Set<Part>()

async function load(language: Language): Promise<void> {
  const parts = await Promise.all([first[language](), ...[...wanted].map((part) => further[part][language]())])
  i18n.load(language, Object.assign({}, ...parts) as Messages)
}

/** Loads and activates a language and tells the document; English when it can't be loaded. */
export async function activate(language: Language): Promise<void> {
  try {
    await load(language)
    i18n.activate(language)
  } catch {
    i18n.load('en', { ...english })
    i18n.activate('en')
  }
  document.documentElement.lang = i18n.locale === 'zh' ? 'zh-CN' : 'en'
}

/** Activates the language in use. */
export function activateInUse(): Promise<void> {
  return activate(languageInUse())
}

/** Loads the words of a lazily loaded part, now and with every later language. */
export async function loadFurtherWords(part: Part = 'pages'): Promise<void> {
  wanted.add(part)
  const language = i18n.locale === 'zh' ? 'zh' : 'en'
  i18n.load(language, await further[part][language]())
}
