import type { ComponentType } from 'react'
import { createStore, useStore } from '@/lib/store'

type Renderer = ComponentType<{ text: string; done: boolean }>

/** The loaded renderer; a plain one when it can't be loaded, so that everything stays readable. */
const renderer = createStore<Renderer | null>(null)

function Plain({ text }: { text: string }) {
  return (
    <p dir="auto" className="max-w-176 text-md leading-[1.7] whitespace-pre-wrap">
      {text}
    </p>
  )
}

let loading: Promise<void> | null = null

/** Loads the renderer before it is needed; tries again after a failure. */
export function preloadProse(): void {
  loading ??= import('@/features/markdown/markdown').then(
    ({ Markdown }) => renderer.set(Markdown),
    () => {
      loading = null
      renderer.set(Plain)
    },
  )
}

/** Whether text can be drawn. Before that a thread isn't shown: it would jump. */
export function useProseReady(): boolean {
  return useStore(renderer) !== null
}

/**
 * Markdown. Not React's lazy: its retry has a low priority, which a stream of urgent
 * updates would starve, with raw marks on show meanwhile.
 */
export function Prose({ text, done }: { text: string; done: boolean }) {
  const Loaded = useStore(renderer)
  return Loaded && <Loaded text={text} done={done} />
}
