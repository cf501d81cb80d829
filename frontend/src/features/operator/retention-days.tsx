import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { useMemo, useState } from 'react'
import { day as dayWords } from '@/components/page/moments'
import type { Rule } from './use-retention'

const length = 86_400_000
const shown = 31

/** The days to come as bars, and as a table for those who want the figures. */
export function RetentionDays({ days }: { days: Rule['upcoming'] }) {
  const { t } = useLingui()
  const total = days.reduce((sum, { rows }) => sum + rows, 0)
  const [now] = useState(() => Date.now())
  const bars = useMemo(() => {
    const first = days[0] ? Date.parse(days[0].day) : now
    const most = Math.max(1, ...days.map(({ rows }) => rows))
    const today = Math.min(first, Math.floor(now / length) * length)
    return Array.from({ length: shown }, (_, n) => {
      const at = new Date(today + n * length).toISOString()
      const rows = days.find((one) => Date.parse(one.day) === today + n * length)?.rows ?? 0
      return { at, rows, height: rows === 0 ? 0 : Math.max(8, (100 * rows) / most) }
    })
  }, [days, now])
  if (total === 0) {
    return (
      <p className="mt-2 text-xs text-ink-3">
        <Trans>Nothing ends within 30 days.</Trans>
      </p>
    )
  }
  const words = plural(total, { one: '# row ends within 30 days', other: '# rows end within 30 days' })
  return (
    <details className="mt-3">
      <summary className="cursor-pointer rounded-row">
        <span className="text-xs text-ink-2">{words}</span>
        <span aria-hidden="true" className="mt-1.5 flex h-8 items-end gap-px border-b border-line">
          {bars.map(({ at, rows, height }) => (
            <span key={at} title={`${dayWords(at)}: ${rows}`} className="flex h-full flex-1 items-end">
              <span className="w-full rounded-t-[1px] bg-tide" style={{ height: `${height}%` }} />
            </span>
          ))}
        </span>
      </summary>
      <table aria-label={t`What ends when`} className="mt-2 text-xs tabular-nums">
        <tbody>
          {days.map(({ day, rows }) => (
            <tr key={day}>
              <th scope="row" className="py-0.5 pr-6 text-left font-normal text-ink-3">
                {dayWords(day)}
              </th>
              <td className="py-0.5 text-right">{rows}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}
