/** The ranges that can be looked at, up to and with now. */
export const ranges = ['24h', '7d', '30d', '90d'] as const
export type RangeName = (typeof ranges)[number]
export type StepUnit = 'HOUR' | 'DAY'

/** What an address asks for. */
export interface AnalyticsAsk {
  range: RangeName
  unit: StepUnit
  key: string | null
  model: string | null
}

/** An hour or a day of the browser's calendar; `end` isn't in it. */
export interface Step {
  start: Date
  end: Date
}

const hourMs = 3_600_000
const days: Record<RangeName, number> = { '24h': 1, '7d': 7, '30d': 30, '90d': 90 }

/** The steps that a range can be cut into; the first is what it is cut into unless asked. */
export function unitsOf(range: RangeName): readonly StepUnit[] {
  if (range === '24h') return ['HOUR']
  return range === '7d' ? ['DAY', 'HOUR'] : ['DAY']
}

/** Reads an address; what it doesn't know is dropped. */
export function readAsk(words: Partial<Record<string, string>>): AnalyticsAsk {
  const range = ranges.find((one) => one === words.range) ?? '7d'
  const units = unitsOf(range)
  return {
    range,
    unit: units.find((unit) => unit === words.by) ?? units[0] ?? 'DAY',
    key: words.key || null,
    model: words.model || null,
  }
}

/** What an address carries for it; what is so anyway is left out. */
export function wordsOf({ range, unit, key, model }: AnalyticsAsk): Record<string, string> {
  return {
    ...(range === '7d' ? {} : { range }),
    ...(unit === unitsOf(range)[0] ? {} : { by: unit }),
    ...(key ? { key } : {}),
    ...(model ? { model } : {}),
  }
}

/** Every step of a range, the last one with `now` in it. A day on which the clock changes is a day too. */
export function stepsOf(range: RangeName, unit: StepUnit, now: Date): Step[] {
  const [year, month, date] = [now.getFullYear(), now.getMonth(), now.getDate()]
  if (unit === 'DAY') {
    return Array.from({ length: days[range] }, (_, at) => {
      const day = date - days[range] + 1 + at
      return { start: new Date(year, month, day), end: new Date(year, month, day + 1) }
    })
  }
  // The hour of the clock: some zones are half an hour off.
  const last = now.getTime() - (now.getMinutes() * 60 + now.getSeconds()) * 1000 - now.getMilliseconds()
  const count = range === '24h' ? 24 : Math.round((last - new Date(year, month, date - days[range] + 1).getTime()) / hourMs) + 1
  return Array.from({ length: count }, (_, at) => {
    const start = last - (count - 1 - at) * hourMs
    return { start: new Date(start), end: new Date(start + hourMs) }
  })
}

/** The step that a moment is in; -1 when it is before all of them. */
export function stepAt(steps: readonly Step[], moment: Date): number {
  return steps.findLastIndex(({ start }) => start <= moment)
}
