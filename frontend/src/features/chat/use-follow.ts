import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { isTyping } from '@/lib/typing'
import { atEnd, type FollowEvent, type FollowState, isLookingUp, reduceFollow } from './follow-scroll'

export interface Follow {
  pill: FollowState['pill']
  /** Goes to the end and follows it. */
  toEnd(): void
  /** Stops following, to show something above. */
  release(): void
}

function below(view: HTMLElement): number {
  return view.scrollHeight - view.clientHeight - view.scrollTop
}

/** Keeps the end of a scrolled thread in view while the person wants that. */
export function useFollow(view: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>): Follow {
  const state = useRef<FollowState>(atEnd)
  const [pill, setPill] = useState<FollowState['pill']>('hidden')

  const tell = useCallback((event: FollowEvent) => {
    state.current = reduceFollow(state.current, event)
    setPill(state.current.pill)
  }, [])

  const jump = useCallback(() => {
    const node = view.current
    if (node) node.scrollTop = node.scrollHeight
  }, [view])

  const toEnd = useCallback(() => {
    tell({ type: 'to-end' })
    jump()
  }, [tell, jump])

  useLayoutEffect(jump, [jump])

  useEffect(() => {
    const node = view.current
    const inner = content.current
    if (!node || !inner) return
    let last = node.scrollTop
    let touchY = 0
    const onScroll = () => {
      const direction = node.scrollTop > last ? 'down' : 'up'
      last = node.scrollTop
      tell({ type: 'scrolled', direction, distance: below(node) })
    }
    const onWheel = (event: WheelEvent) => {
      if (event.deltaY < 0) tell({ type: 'looked-up' })
    }
    const onTouchStart = (event: TouchEvent) => {
      touchY = event.touches[0]?.clientY ?? 0
    }
    const onTouchMove = (event: TouchEvent) => {
      if ((event.touches[0]?.clientY ?? 0) > touchY + 2) tell({ type: 'looked-up' })
    }
    const onKey = (event: KeyboardEvent) => {
      if (isLookingUp(event) && !isTyping(event.target)) tell({ type: 'looked-up' })
    }
    // A press on the scrollbar is outside the client area.
    const onPointer = (event: PointerEvent) => {
      if (event.target === node && event.offsetX >= node.clientWidth) tell({ type: 'looked-up' })
    }
    const grown = new ResizeObserver(() => {
      if (state.current.following) jump()
      else tell({ type: 'grown', distance: below(node) })
    })
    grown.observe(inner)
    grown.observe(node)
    const passive = { passive: true }
    node.addEventListener('scroll', onScroll, passive)
    node.addEventListener('wheel', onWheel, passive)
    node.addEventListener('touchstart', onTouchStart, passive)
    node.addEventListener('touchmove', onTouchMove, passive)
    node.addEventListener('pointerdown', onPointer, passive)
    node.addEventListener('keydown', onKey)
    return () => {
      grown.disconnect()
      node.removeEventListener('scroll', onScroll)
      node.removeEventListener('wheel', onWheel)
      node.removeEventListener('touchstart', onTouchStart)
      node.removeEventListener('touchmove', onTouchMove)
      node.removeEventListener('pointerdown', onPointer)
      node.removeEventListener('keydown', onKey)
    }
  }, [view, content, tell, jump])

  const release = useCallback(() => tell({ type: 'looked-up' }), [tell])
  return { pill, toEnd, release }
}
