import { createStore } from './store'

/** Whether something has become ready while nobody looked. */
export const unseen = createStore<'ready' | 'nothing'>('nothing')

/** Puts the title and the favicon's dot in place. */
export function showTitle(title: string): void {
  const ready = unseen.get() === 'ready'
  document.title = ready ? `● ${title}` : title
  const icon = document.querySelector<HTMLLinkElement>('#favicon')
  const address = ready ? '/icon-ready.svg' : '/icon.svg'
  if (icon && icon.getAttribute('href') !== address) icon.setAttribute('href', address)
}

/** Marks the page when nobody is looking at it. */
export function noteReady(): void {
  if (document.visibilityState === 'hidden') unseen.set('ready')
}

/** Clears the mark when somebody looks. The returned function ends it. */
export function watchAttention(): () => void {
  const look = () => {
    if (document.visibilityState === 'visible') unseen.set('nothing')
  }
  document.addEventListener('visibilitychange', look)
  return () => document.removeEventListener('visibilitychange', look)
}
