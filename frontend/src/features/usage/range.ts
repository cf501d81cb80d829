/** The ranges that are one click away, in days up to and with today. */
export const presets = [7, 30, 90] as const

/** The most days that can be asked for at once. */
export const maxDays = 400

/** Days from `from` to `to`, both included, as YYYY-MM-DD in the browser's time zone. */
export interface Range {
  from: string
  to: string
}

/** A date of the browser's calendar as YYYY-MM-DD. */
export function dayOf(date: Date): string {
  const two = (part: number) => String(part).padStart(2, '0')
  return `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** The beginning of a day in the browser's time zone; null when there is no such day. */
export function startOf(day: string): Date | null {
  const [, year, month, date] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day) ?? []
  if (year === undefined) return null
  const start = new Date(Number(year), Number(month) - 1, Number(date))
  return dayOf(start) === day ? start : null
}

/** The day `count` days later; a day with a change of the clock is a day too. */
export function plusDays(day: string, count: number): string {
  const start = startOf(day)
  return start ? dayOf(new Date(start.getFullYear(), start.getMonth(), start.getDate() + count)) : day
}

/** The last `count` days. */
export function lastDays(count: number, now: Date): Range {
  const to = dayOf(now)
  return { from: plusDays(to, 1 - count), to }
}

/** Every day of a range. */
export function daysOf({ from, to }: Range): string[] {
  const days: string[] = []
  for (let day = from; day <= to && days.length < maxDays; day = plusDays(day, 1)) days.push(day)
  return days
}

/** Why a range can't be asked for; null when it can. */
export function rangeFault({ from, to }: Range): 'invalid' | 'reversed' | 'long' | null {
  if (!startOf(from) || !startOf(to)) return 'invalid'
  if (from > to) return 'reversed'
  return plusDays(from, maxDays) <= to ? 'long' : null
}

/** The moments between which a range lies: the end isn't included. */
export function momentsOf({ from, to }: Range): { from: string; to: string } {
  const [start, end] = [startOf(from), startOf(plusDays(to, 1))]
  return { from: (start ?? new Date(0)).toISOString(), to: (end ?? new Date(0)).toISOString() }
}

/** Which preset a range is; null for one of one's own. */
export function presetOf(range: Range, now: Date): number | null {
  return presets.find((count) => lastDays(count, now).from === range.from && range.to === dayOf(now)) ?? null
}
