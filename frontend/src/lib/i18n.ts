import { i18n, type Messages } from '@lingui/core'
// English is in the first chunk, so that most pages wait for no second request.
import { messages as english } from '../locales/en.po'
import { languageInUse, type Language } from './prefs'

type Loaders = Record<Language, () => Promise<Messages>>

const first: Loaders = {
  en: async () => english,
  zh: async () => (await import('../locales/zh.po')).messages,
}
/** The words of what is loaded when it is first wanted. */
const further: Loaders = {
  en: async () => (await import('../locales/lazy/en.po')).messages,
  zh: async () => (await import('../locales/lazy/zh.po')).messages,
}

let furtherWanted = false

async function load(language: Language): Promise<void> {
  const parts = await Promise.all([first[language](), furtherWanted ? further[language]() : {}])
  i18n.load(language, { ...parts[0], ...parts[1] })
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

/** Loads the words of lazily loaded parts, now and with every later language. */
export async function loadFurtherWords(): Promise<void> {
  furtherWanted = true
  const language = i18n.locale === 'zh' ? 'zh' : 'en'
  i18n.load(language, await further[language]())
}
