import { useSyncExternalStore } from 'react'

/** A value outside React that components can follow. */
export interface Store<T> {
  get(): T
  set(next: T): void
  update(change: (now: T) => T): void
  /** Calls `listen` after every change until the returned function is called. */
  subscribe(listen: () => void): () => void
}

/** Makes a store. Setting the same value tells nobody. */
export function createStore<T>(initial: T): Store<T> {
  let value = initial
  const listeners = new Set<() => void>()
  const set = (next: T) => {
    if (Object.is(next, value)) return
    value = next
    for (const listen of listeners) listen()
  }
  return {
    get: () => value,
    set,
    update: (change) => set(change(value)),
    subscribe(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
  }
}

/** Draws with the store's value. */
export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get)
}
