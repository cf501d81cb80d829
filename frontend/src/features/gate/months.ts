/** The names of the months, January first. */
export function monthNames(locale: string): string[] {
  const format = new Intl.DateTimeFormat(locale, { month: 'long', timeZone: 'UTC' })
  return Array.from({ length: 12 }, (_, month) => format.format(Date.UTC(2000, month, 15)))
}

/** The years that somebody alive can be born in, the present one first. */
export function yearsToNow(): number[] {
  const last = new Date().getFullYear()
  return Array.from({ length: 121 }, (_, back) => last - back)
}
