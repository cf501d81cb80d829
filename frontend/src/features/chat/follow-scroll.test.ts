import { describe, expect, it } from 'vitest'
import { atEnd, type FollowEvent, isLookingUp, reduceFollow } from './follow-scroll'

const after = (...events: FollowEvent[]) => events.reduce(reduceFollow, atEnd)
const up: FollowEvent = { type: 'looked-up' }
const grown = (distance: number): FollowEvent => ({ type: 'grown', distance })
const scrolled = (direction: 'up' | 'down', distance: number): FollowEvent => ({ type: 'scrolled', direction, distance })

describe('following the end', () => {
  it('goes on while text grows', () => {
    expect(after(grown(500), grown(900))).toEqual(atEnd)
  })

  it('stops with the first look up, even by a few pixels', () => {
    expect(after(up, scrolled('up', 12)).following).toBe(false)
  })

  it('doesn’t begin again because the view is still near the end', () => {
    expect(after(up, scrolled('up', 30), grown(55)).following).toBe(false)
  })

  it('begins again when the person comes back to the end', () => {
    expect(after(up, scrolled('up', 400), scrolled('down', 40))).toEqual(atEnd)
  })

  it('begins again when a message is sent', () => {
    expect(after(up, scrolled('up', 4_000), { type: 'to-end' })).toEqual(atEnd)
  })
})

describe('the way back to the end', () => {
  it('is offered far from it, goes near it, and stays between', () => {
    expect(after(up, grown(150)).pill).toBe('hidden')
    expect(after(up, grown(250)).pill).toBe('shown')
    expect(after(up, grown(250), scrolled('up', 150)).pill).toBe('shown')
    expect(after(up, grown(250), scrolled('up', 50)).pill).toBe('hidden')
  })

  it('isn’t offered while the end is followed', () => {
    expect(after(grown(5_000)).pill).toBe('hidden')
  })
})

it('keys that look up are known', () => {
  const keys = ['ArrowUp', 'PageUp', 'Home', ' ', 'ArrowDown', 'PageDown', 'End', 'a']
  expect(keys.filter((key) => isLookingUp({ key, shiftKey: false }))).toEqual(['ArrowUp', 'PageUp', 'Home'])
  expect(isLookingUp({ key: ' ', shiftKey: true })).toBe(true)
})
