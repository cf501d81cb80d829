import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { createStore } from '@/lib/store'
import { signingOut } from '@/lib/ui-state'
import { type Draft, freshDraft } from './request'

/** The request that is worked on, and the key. It lives as long as the page: nothing of it is stored, least of all the key. */
interface Session {
  draft: Draft
  apiKey: string
  /** When the key ends that was made here; null for one that was pasted. */
  keyUntil: number | null
}

/** The same while one goes to other pages of the app and back. */
export const session = createStore<Session>({ draft: freshDraft, apiKey: '', keyUntil: null })

// Who comes next finds no key here, even if the browser shows this page again.
signingOut.subscribe(() => session.update((before) => ({ ...before, apiKey: '', keyUntil: null })))

const formName = 'completions'

/** Keeps the draft while its person is away at a provider. */
export function keepDraft(): void {
  const { stream, ...texts } = session.get().draft
  keepForm(formName, { ...texts, stream: stream ? 'yes' : '' })
}

/** Takes up what was kept of the draft, once. */
export function takeDraft(): void {
  const kept = readForm(formName)
  if (!kept) return
  forgetForm()
  const { model = '', system = '', message = '', temperature = '', maxTokens = '', stream } = kept
  edit({ model, system, message, temperature, maxTokens, stream: stream === 'yes' })
}

/** Changes the draft. */
export function edit(change: Partial<Draft>): void {
  session.update((before) => ({ ...before, draft: { ...before.draft, ...change } }))
}
