import { createStore } from '@/lib/store'
import { signingOut } from '@/lib/ui-state'
import { examples } from './examples'

/** A document that is worked on, with its variables. */
export interface Tab {
  id: number
  query: string
  variables: string
}

/** Something that was run. */
export interface Past {
  id: number
  /** Milliseconds since 1970. */
  at: number
  name: string
  query: string
  variables: string
  /** How it ended, for example "200" or "12 events". */
  outcome: string
}

/** Where requests get who they are from. */
export type Caller = 'session' | 'key'

/** All of the playground. It lives as long as the page: nothing of it is stored, least of all a key. */
export interface Session {
  tabs: readonly Tab[]
  current: number
  past: readonly Past[]
  caller: Caller
  apiKey: string
}

/** Runs that are remembered. */
const mostPast = 50

let ids = 0
const nextId = () => (ids += 1)

function tabOf(query = '', variables = ''): Tab {
  return { id: nextId(), query, variables }
}

/** The playground as it is first found. */
export function freshSession(): Session {
  const [example] = examples
  const tab = tabOf(example?.query, example?.variables())
  return { tabs: [tab], current: tab.id, past: [], caller: 'session', apiKey: '' }
}

/** The playground, the same while one goes to other pages of the app and back. */
export const session = createStore<Session>(freshSession())

// Who comes next finds no key here, even if the browser shows this page again.
signingOut.subscribe(() => session.update((before) => ({ ...before, apiKey: '' })))

/** The document in front. */
export function currentTab({ tabs, current }: Session): Tab {
  return tabs.find(({ id }) => id === current) ?? tabs[0] ?? tabOf()
}

/** Opens a document in a tab of its own. */
export function withTab(before: Session, query = '', variables = ''): Session {
  const tab = tabOf(query, variables)
  return { ...before, tabs: [...before.tabs, tab], current: tab.id }
}

/** Closes a tab; the one after it comes to the front. The last one leaves an empty one. */
export function withoutTab(before: Session, id: number): Session {
  const at = before.tabs.findIndex((tab) => tab.id === id)
  const tabs = before.tabs.filter((tab) => tab.id !== id)
  if (tabs.length === 0) return withTab({ ...before, tabs })
  const current = before.current === id ? (tabs[Math.min(at, tabs.length - 1)]?.id ?? 0) : before.current
  return { ...before, tabs, current }
}

/** Changes the document in front. */
export function edited(before: Session, change: Partial<Pick<Tab, 'query' | 'variables'>>): Session {
  return { ...before, tabs: before.tabs.map((tab) => (tab.id === before.current ? { ...tab, ...change } : tab)) }
}

/** Remembers a run. */
export function remembered(before: Session, run: Omit<Past, 'id'>): Session {
  return { ...before, past: [{ ...run, id: nextId() }, ...before.past].slice(0, mostPast) }
}
