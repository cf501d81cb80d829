import { createStore } from './store'

export interface Toast {
  id: number
  text: string
  tone: 'plain' | 'danger'
  action?: { label: string; run(): void }
}

/** How long a toast stays, in milliseconds; one with an action must be reachable. */
const stay = 6000

let nextId = 1

/** The toasts on show, oldest first. */
export const toasts = createStore<readonly Toast[]>([])

/** Shows a toast and returns what takes it away. */
export function showToast(toast: Omit<Toast, 'id'>, forMs = stay): () => void {
  const id = nextId++
  const remove = () => toasts.update((all) => all.filter((one) => one.id !== id))
  toasts.update((all) => [...all.slice(-2), { ...toast, id }])
  setTimeout(remove, forMs)
  return remove
}
