import { type RefObject, useEffect, useLayoutEffect, useRef } from 'react'
import { keepPlace } from './keep-place'
import type { Thread } from './use-thread'

/**
 * Loads earlier messages when their place (the returned element) comes near, and keeps
 * what is on show where it is. After a failure it waits until `older` says that it may go on.
 */
export function useOlder(
  view: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
  { hasOlder, older, loadOlder }: Pick<Thread, 'hasOlder' | 'older' | 'loadOlder'>,
  oldestId: string | undefined,
): RefObject<HTMLDivElement | null> {
  const restore = useRef<(() => void) | null>(null)
  const load = useRef(loadOlder)
  useEffect(() => {
    load.current = loadOlder
  })
  useLayoutEffect(() => {
    restore.current?.()
    restore.current = null
    view.current?.style.removeProperty('overflow-anchor')
  }, [oldestId, view])

  const failed = older === 'failed'
  const top = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const node = view.current
    if (!top.current || !hasOlder || failed || !node) return
    const remember = () => {
      const oldest = content.current?.querySelector('article')
      if (oldest) restore.current = keepPlace(node, oldest)
    }
    const near = new IntersectionObserver(
      ([entry]) => {
        if (!entry?.isIntersecting) return
        // The browser's own anchoring would be added to ours.
        node.style.setProperty('overflow-anchor', 'none')
        remember()
        node.addEventListener('scroll', remember, { passive: true })
        void load.current()
      },
      { root: node, rootMargin: '800px 0px 0px 0px' },
    )
    near.observe(top.current)
    return () => {
      near.disconnect()
      node.removeEventListener('scroll', remember)
    }
    // A new oldest message looks again whether there is room for more.
  }, [hasOlder, failed, oldestId, view, content])
  return top
}
