import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { useId, useState } from 'react'
import { dayOf, lastDays, maxDays, presetOf, presets, type Range, rangeFault } from './range'
import { Segments } from '@/components/page/segments'
import { browserZone } from '@/lib/browser-zone'

interface RangePickerProps {
  range: Range
  now: Date
  onChoose(range: Range): void
}

/** Chooses the days: the last week, month or quarter, or days of one's own. */
export function RangePicker({ range, now, onChoose }: RangePickerProps) {
  const { t } = useLingui()
  const preset = presetOf(range, now)
  const [custom, setCustom] = useState(preset === null)
  const options = [
    ...presets.map((count) => ({ value: String(count), label: plural(count, { one: '# day', other: '# days' }) })),
    { value: 'custom', label: t`Other days` },
  ]
  const choose = (value: string) => {
    setCustom(value === 'custom')
    if (value !== 'custom') onChoose(lastDays(Number(value), now))
  }
  return (
    <div className="flex flex-wrap items-start gap-x-4 gap-y-3">
      <Segments label={t`Days`} value={custom ? 'custom' : String(preset)} options={options} onChoose={choose} />
      {custom && <CustomRange range={range} today={dayOf(now)} onChoose={onChoose} />}
    </div>
  )
}

function CustomRange({ range, today, onChoose }: { range: Range; today: string; onChoose(range: Range): void }) {
  const { t } = useLingui()
  const id = useId()
  const [draft, setDraft] = useState(range)
  const [shown, setShown] = useState(range)
  // Chosen elsewhere: what is typed here becomes the range itself, and stays as it is.
  if (shown.from !== range.from || shown.to !== range.to) {
    setShown(range)
    if (rangeFault(draft) === null) setDraft(range)
  }
  const fault = rangeFault(draft)
  const words = {
    invalid: t`Enter two days.`,
    reversed: t`The first day is after the last.`,
    long: t`At most ${maxDays} days can be shown at once.`,
  }
  const change = (next: Range) => {
    setDraft(next)
    if (rangeFault(next) === null) onChoose(next)
  }
  const field =
    'h-8 rounded-control border border-control bg-surface px-2 text-sm text-ink tabular-nums aria-invalid:border-danger touch:h-11'
  const described = fault ? `${id}-fault` : undefined
  return (
    <div className="fade-in">
      <div className="flex flex-wrap items-center gap-2 text-sm text-ink-2">
        <input
          type="date"
          aria-label={t`First day`}
          value={draft.from}
          max={today}
          aria-invalid={fault !== null}
          aria-describedby={described}
          onChange={(event) => change({ ...draft, from: event.target.value })}
          className={field}
        />
        <Trans>to</Trans>
        <input
          type="date"
          aria-label={t`Last day`}
          value={draft.to}
          max={today}
          aria-invalid={fault !== null}
          aria-describedby={described}
          onChange={(event) => change({ ...draft, to: event.target.value })}
          className={field}
        />
      </div>
      {fault && (
        <p id={`${id}-fault`} role="alert" className="mt-1 text-sm text-danger">
          {words[fault]}
        </p>
      )}
    </div>
  )
}

/** In which time zone days begin. */
export function ZoneLine() {
  const zone = browserZone()
  return (
    <p className="text-xs text-ink-3">
      <Trans>Days begin at midnight in {zone}.</Trans>
    </p>
  )
}
