import { createStore } from './store'

export type DialogName = 'palette' | 'shortcuts' | 'engine' | 'question'

/** The dialog that is open. */
export const dialog = createStore<DialogName | null>(null)

/** The conversation that is about to be shared; null when none is. */
export const sharing = createStore<{ id: string; title: string } | null>(null)

/** Whether the sidebar of a narrow screen is open. */
export const drawer = createStore<'open' | 'closed'>('closed')

/** The model chosen for what is sent next; null leaves it to the conversation. */
export const chosenModel = createStore<string | null>(null)

/** Counts up when events may have been missed: what is on screen is then asked for again. */
export const missedEvents = createStore(0)

/** Whether this page is signing out by itself: then the end of the session is no news. */
export const signingOut = createStore(false)
