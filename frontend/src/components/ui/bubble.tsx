import { Trans } from '@lingui/react/macro'
import { useState } from 'react'
import { Button } from './button'

/** Longer texts are folded in the bubble. */
const foldAt = 1_500

/** The soft bubble around a question; what is long opens on request. */
export function Bubble({ text, faded = '' }: { text: string; faded?: string }) {
  const [open, setOpen] = useState(false)
  const long = text.length > foldAt
  return (
    <div
      dir="auto"
      className={`max-w-[85%] rounded-card rounded-br-control bg-bubble px-4 py-2.5 text-md leading-relaxed break-words whitespace-pre-wrap transition-opacity ${faded}`}
    >
      {long && !open ? `${text.slice(0, foldAt)}…` : text}
      {long && (
        <div className="mt-1">
          <Button look="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? <Trans>Show less</Trans> : <Trans>Show all</Trans>}
          </Button>
        </div>
      )}
    </div>
  )
}
