import { type RefObject, useEffect, useRef } from 'react'
import { isImeKey, isTyping } from '@/lib/typing'
import { dialog } from '@/lib/ui-state'

/** Escape stops an answer, unless it closes something else or is pressed where other text than the composer's is typed. */
export function useEscape(onStop: (() => void) | null, composer: RefObject<HTMLElement | null>): void {
  const latest = useRef(onStop)
  useEffect(() => {
    latest.current = onStop
  })
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { key, target } = event
      if (key !== 'Escape' || isImeKey(event) || (isTyping(target) && target !== composer.current)) return
      const closing = dialog.get() !== null || document.querySelector('dialog[open], :popover-open') !== null
      if (!closing) latest.current?.()
    }
    // Captured, so that a menu is still open when its own Escape is looked at.
    window.addEventListener('keydown', onKey, true)
    return () => window.removeEventListener('keydown', onKey, true)
  }, [composer])
}
