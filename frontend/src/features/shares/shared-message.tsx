import { plural } from '@lingui/core/macro'
import { useLingui } from '@lingui/react/macro'
import { Check, ChevronRight, Copy, Lightbulb } from 'lucide-react'
import { useState } from 'react'
import { Bubble } from '@/components/ui/bubble'
import { IconButton } from '@/components/ui/button'
import { Markdown } from '@/features/markdown/markdown'
import { copyText } from '@/lib/clipboard'
import type { SharedMessage } from './read-shared'

/** What somebody asked. */
export function SharedQuestion({ text }: { text: string }) {
  const { t } = useLingui()
  return (
    <article aria-label={t`Question`} className="flex flex-col items-end">
      <h2 className="sr-only">{t`Question`}</h2>
      <Bubble text={text} />
    </article>
  )
}

/** What the model answered. */
export function SharedAnswer({ message: { text, reasoning, reasoningMs, modelId } }: { message: SharedMessage }) {
  const { t } = useLingui()
  return (
    <article aria-label={t`Answer`}>
      <h2 className="sr-only">{t`Answer`}</h2>
      {reasoning !== '' && <Thoughts text={reasoning} tookMs={reasoningMs} />}
      {text !== '' && <Markdown text={text} done />}
      <footer className="mt-2 -ml-2 flex min-h-8 flex-wrap items-center gap-x-1 text-ink-3">
        {text !== '' && <CopyAnswer text={text} />}
        <span className="ml-2 text-xs text-ink-3">{modelId}</span>
      </footer>
    </article>
  )
}

function CopyAnswer({ text }: { text: string }) {
  const { t } = useLingui()
  const [copied, setCopied] = useState(false)
  return (
    <IconButton label={copied ? t`Copied` : t`Copy as Markdown`} onClick={async () => setCopied(await copyText(text))}>
      {copied ? <Check size={15} /> : <Copy size={15} />}
    </IconButton>
  )
}

/** What the model thought, drawn when it is wanted. */
function Thoughts({ text, tookMs }: { text: string; tookMs: number }) {
  const { t } = useLingui()
  const [open, setOpen] = useState(false)
  const seconds = Math.max(1, Math.round(tookMs / 1000))
  return (
    <div className="mb-3">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="-ml-1.5 inline-flex min-h-8 items-center gap-2 rounded-control px-1.5 text-sm text-ink-3 tabular-nums transition-colors hover:text-ink touch:min-h-11"
      >
        <Lightbulb size={15} aria-hidden="true" />
        {tookMs > 0 ? t`Thought for ${plural(seconds, { one: '# second', other: '# seconds' })}` : t`Thought about it`}
        <ChevronRight size={14} aria-hidden="true" className={`transition-transform ${open ? 'rotate-90' : ''}`} />
      </button>
      {open && (
        <div className="mt-1 border-l-2 border-line-strong pl-4 text-ink-2 [&_.md]:text-base">
          <Markdown text={text} done />
        </div>
      )}
    </div>
  )
}
