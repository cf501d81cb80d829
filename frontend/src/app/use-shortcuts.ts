import { useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { hasMod, isTyping } from '@/lib/typing'
import { dialog } from '@/lib/ui-state'

/** Keys that work on every page. */
export function useShortcuts(): void {
  const navigate = useNavigate()
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const key = event.key.toLowerCase()
      const act = () => {
        if (hasMod(event) && !event.shiftKey && key === 'k')
          return () => dialog.update((open) => (open === 'palette' ? null : 'palette'))
        if (hasMod(event) && event.shiftKey && key === 'o') return () => void navigate({ to: '/' })
        if (hasMod(event) || event.altKey || isTyping(event.target) || dialog.get() !== null) return null
        if (key === '?') return () => dialog.set('shortcuts')
        if (key === '/') return () => document.querySelector<HTMLElement>('main textarea')?.focus()
        return null
      }
      const found = act()
      if (!found) return
      event.preventDefault()
      found()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [navigate])
}
