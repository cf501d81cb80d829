import { plural } from '@lingui/core/macro'
import { useLingui } from '@lingui/react/macro'
import { ChevronRight, Lightbulb } from 'lucide-react'
import { useId, useState } from 'react'
import { useSeconds } from '@/lib/clock'
import { Prose } from './prose'

interface ReasoningProps {
  text: string
  /** Milliseconds it took; null while it is going on or unknown. */
  tookMs: number | null
  /** While it is going on: when it began, in performance.now() time. */
  since: number | null
  done: boolean
}

/** What the model thought: one calm line that opens; the thoughts are drawn only then. */
export function Reasoning({ text, tookMs, since, done }: ReasoningProps) {
  const { t } = useLingui()
  const id = useId()
  const [open, setOpen] = useState(false)
  const running = useSeconds(done ? null : since)
  const seconds = tookMs === null ? running : Math.max(1, Math.round(tookMs / 1000))
  const line = done
    ? seconds > 0
      ? t`Thought for ${plural(seconds, { one: '# second', other: '# seconds' })}`
      : t`Thought about it`
    : t`Thinking… ${plural(seconds, { one: '# second', other: '# seconds' })}`
  return (
    <div className="mb-3">
      <button
        type="button"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
        className="-ml-1.5 inline-flex min-h-8 items-center gap-2 rounded-control px-1.5 text-sm text-ink-3 tabular-nums transition-colors hover:text-ink touch:min-h-11"
      >
        <Lightbulb size={15} className={done ? '' : 'text-warn'} />
        {line}
        <ChevronRight size={14} className={`transition-transform ${open ? 'rotate-90' : ''}`} />
      </button>
      <div id={id} hidden={!open} className="mt-1 border-l-2 border-line-strong pl-4 text-ink-2 [&_.md]:text-base">
        {open && <Prose text={text} done={done} />}
      </div>
    </div>
  )
}
