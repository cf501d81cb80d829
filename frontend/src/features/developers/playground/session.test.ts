import { describe, expect, it } from 'vitest'
import { currentTab, edited, freshSession, remembered, type Session, withoutTab, withTab } from './session'

const queries = ({ tabs }: Session) => tabs.map(({ query }) => query)

describe('the tabs of the playground', () => {
  it('begin with an example, and another opens in front', () => {
    const before = freshSession()
    expect(currentTab(before).query).toContain('viewer')
    const after = withTab(before, '{a}')
    expect([after.tabs.length, currentTab(after).query]).toEqual([2, '{a}'])
  })

  it('are edited one at a time', () => {
    const after = edited(withTab(withTab(freshSession(), '{a}'), '{b}'), { query: '{c}' })
    expect(queries(after).slice(1)).toEqual(['{a}', '{c}'])
  })

  it('when one is closed its neighbour comes to the front, and the last leaves an empty one', () => {
    let state = withTab(withTab(freshSession(), '{a}'), '{b}')
    state = withoutTab(state, state.current)
    expect(currentTab(state).query).toBe('{a}')
    state = withoutTab(state, state.tabs[0]!.id)
    expect([queries(state), currentTab(state).query]).toEqual([['{a}'], '{a}'])
    state = withoutTab(state, state.current)
    expect([queries(state), currentTab(state).query]).toEqual([[''], ''])
  })

  it('what was run is remembered, the newest first, and not for ever', () => {
    let state = freshSession()
    for (let n = 0; n < 60; n += 1) state = remembered(state, { at: n, name: `${n}`, query: '', variables: '', outcome: '200' })
    expect([state.past.length, state.past[0]?.name]).toEqual([50, '59'])
  })
})
