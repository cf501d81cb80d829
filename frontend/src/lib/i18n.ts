import { i18n, type Messages } from '@lingui/core'
// English is in the first chunk, so that most pages wait for no second request.
import { messages as english } from '../locales/en.po'
import { languageInUse, type Language } from './prefs'

const catalogs: Record<Language, () => Promise<Messages>> = {
  en: async () => english,
  zh: async () => (await import('../locales/zh.po')).messages,
}

/** Loads and activates a language and tells the document; English when it can't be loaded. */
export async function activate(language: Language): Promise<void> {
  try {
    i18n.loadAndActivate({ locale: language, messages: await catalogs[language]() })
  } catch {
    i18n.loadAndActivate({ locale: 'en', messages: english })
  }
  document.documentElement.lang = i18n.locale === 'zh' ? 'zh-CN' : 'en'
}

/** Activates the language in use. */
export function activateInUse(): Promise<void> {
  return activate(languageInUse())
}
