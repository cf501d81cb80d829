import { describe, expect, it } from 'vitest'
import type { RequestAnalyticsQuery } from '@/gql/graphql'
import { errorShare, nothing, pointsOf, reportOf } from './report'
import { stepsOf } from './steps'

const steps = stepsOf('7d', 'DAY', new Date(2026, 10, 29, 12))
const sum = (requests: number) => ({ ...nothing, requests })

describe('P77: the report', () => {
  it('gives every step its sum, and nothing to those of which nothing is said', () => {
    const points = pointsOf(steps, [
      { start: new Date(2026, 10, 24).toISOString(), sum: sum(3) },
      { start: new Date(2026, 10, 29).toISOString(), sum: sum(5) },
      { start: null, sum: sum(9) },
    ])
    expect(points.map((point) => point.sum.requests)).toEqual([0, 3, 0, 0, 0, 0, 5])
  })

  it('tells what is of no model from what is, most requests first', () => {
    const groups = [
      { modelId: null, sum: sum(2) },
      { modelId: 'k2', sum: sum(7) },
    ]
    const none = { groups: [] }
    const viewer = { byTime: { total: sum(9), groups: [] }, byKey: none, byModel: { groups }, byRoute: none }
    const report = reportOf({ viewer } as unknown as RequestAnalyticsQuery, steps)
    expect(report.models.map(({ id }) => id)).toEqual(['k2', ''])
    expect(report.total.requests).toBe(9)
  })

  it('knows the part that went wrong, also of nothing', () => {
    expect(errorShare({ ...nothing, requests: 8, errors: 2 })).toBe(0.25)
    expect(errorShare(nothing)).toBe(0)
  })
})
