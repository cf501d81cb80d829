/** Whether the end of a thread is followed, and whether the way back to it is offered. */
export interface FollowState {
  following: boolean
  pill: 'shown' | 'hidden'
}

export type FollowEvent =
  /** The person means to look at something above. */
  | { type: 'looked-up' }
  /** The view moved; `distance` is what is left below it, in pixels. */
  | { type: 'scrolled'; direction: 'up' | 'down'; distance: number }
  /** The content changed its height. */
  | { type: 'grown'; distance: number }
  /** A message was sent, or the way back was taken. */
  | { type: 'to-end' }

/** The pill comes when more than `far` is below, and goes when less than `near` is. */
const near = 60
const far = 200

export const atEnd: FollowState = { following: true, pill: 'hidden' }

/**
 * Follows only while the end is on show. Looking up stops it at once, by the intent to
 * (wheel, finger, key) and not by distances, which growing text changes too.
 */
export function reduceFollow(state: FollowState, event: FollowEvent): FollowState {
  switch (event.type) {
    case 'looked-up':
      return state.following ? { ...state, following: false } : state
    case 'to-end':
      return atEnd
    case 'scrolled':
      if (event.distance < near && event.direction === 'down') return atEnd
      return withPill(state, event.distance)
    case 'grown':
      return withPill(state, event.distance)
  }
}

function withPill(state: FollowState, distance: number): FollowState {
  if (state.following) return state
  const pill = distance > far ? 'shown' : distance < near ? 'hidden' : state.pill
  return pill === state.pill ? state : { ...state, pill }
}

/** Whether a key looks up. */
export function isLookingUp(event: { key: string; shiftKey: boolean }): boolean {
  return ['ArrowUp', 'PageUp', 'Home'].includes(event.key) || (event.key === ' ' && event.shiftKey)
}
