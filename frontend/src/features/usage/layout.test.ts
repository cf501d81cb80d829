import { describe, expect, it } from 'vitest'
import { boxPath, namedBars } from '@/components/chart/shapes'
import { barAt, layOut } from './layout'
import { type Bar, nothing } from './report'

const bar = (parts: number[]): Bar => ({
  from: '2026-05-01',
  to: '2026-05-01',
  parts,
  total: parts.reduce((sum, part) => sum + part, 0),
  sum: nothing,
})

describe('the layout of bars', () => {
  it('parts stand on each other, and those without size aren’t drawn', () => {
    const { parts, y } = layOut([bar([1, 0, 3]), bar([0, 0, 0])], 600, 200)
    expect(parts[0]?.map(({ series }) => series)).toEqual([0, 2])
    expect(parts[1]).toEqual([])
    expect(y.domain()[0]).toBe(0)
    expect(y.domain()[1]).toBeGreaterThanOrEqual(4)
  })

  it('nothing at all is drawn as an empty chart', () => {
    const { ticks, parts } = layOut([bar([]), bar([])], 600, 200)
    expect(parts).toEqual([[], []])
    expect(ticks.length).toBeGreaterThan(1)
  })

  it('what is little beside much is still seen', () => {
    const { parts } = layOut([bar([1_000_000]), bar([1])], 600, 200)
    expect(parts[1]).toHaveLength(1)
    expect(parts[1]?.[0]?.path).toMatch(/^M/)
  })

  it('a place leads to its bar, and to the nearest at the edges', () => {
    const bars = Array.from({ length: 30 }, () => bar([1]))
    const { x } = layOut(bars, 600, 200)
    for (const at of [0, 7, 29]) expect(barAt(x, 30, (x(at) ?? 0) + x.bandwidth() / 2)).toBe(at)
    expect(barAt(x, 30, -50)).toBe(0)
    expect(barAt(x, 30, 5000)).toBe(29)
  })

  it('the last day is named, and names have room', () => {
    expect(namedBars(7, 600)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(namedBars(30, 340)).toEqual([5, 11, 17, 23, 29])
    expect(namedBars(0, 340)).toEqual([])
  })

  it('corners are never rounder than the box', () => {
    expect(boxPath(0, 10, 4, 1, 3)).toBe('M0,11V11q0,-1 1,-1h2q1,0 1,1V11Z')
  })
})
