import { type RefObject, useEffect } from 'react'
import { hasMod, isTyping } from '@/lib/typing'
import { dialog } from '@/lib/ui-state'

/** J and K move the focus to the next and the previous message of a thread. */
export function useMessageKeys(view: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const step = { j: 1, k: -1 }[event.key]
      if (step === undefined || hasMod(event) || event.altKey || isTyping(event.target) || dialog.get() !== null) return
      const all = [...(view.current?.querySelectorAll<HTMLElement>('article[data-message]') ?? [])]
      const at = all.findIndex((element) => element.contains(document.activeElement))
      const next = at < 0 ? all.at(step > 0 ? 0 : -1) : all[at + step]
      if (!next) return
      event.preventDefault()
      next.focus({ preventScroll: true })
      next.scrollIntoView({ block: 'nearest' })
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [view])
}
