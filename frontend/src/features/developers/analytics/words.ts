import { i18n } from '@lingui/core'
import type { Step, StepUnit } from './steps'

const locale = () => (i18n.locale === 'zh' ? 'zh-CN' : i18n.locale)

const formats: Record<StepUnit, Record<'full' | 'short', Intl.DateTimeFormatOptions>> = {
  DAY: {
    full: { weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' },
    short: { day: 'numeric', month: 'short' },
  },
  HOUR: {
    full: { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    short: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  },
}

/** What steps are called, in full and as short as below a chart. A week of hours is named by its days. */
export function stepNames(steps: readonly Step[], unit: StepUnit): { full: string; short: string }[] {
  const full = new Intl.DateTimeFormat(locale(), formats[unit].full)
  const short = new Intl.DateTimeFormat(locale(), unit === 'HOUR' && steps.length > 48 ? formats.DAY.short : formats[unit].short)
  return steps.map(({ start }) => ({ full: full.format(start), short: short.format(start) }))
}

/** The days from the first step to the last. */
export function spanOfSteps(steps: readonly Step[]): string {
  const [first, last] = [steps[0], steps.at(-1)]
  if (!first || !last) return ''
  const format = new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'long', year: 'numeric' })
  return format.formatRange(first.start, last.start)
}
