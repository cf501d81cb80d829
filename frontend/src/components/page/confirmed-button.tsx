import { Trans } from '@lingui/react/macro'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Button } from '@/components/ui/button'

interface ConfirmedButtonProps {
  /** What the button says. */
  label: string
  /** What it asks before it acts. */
  question: ReactNode
  /** What a screen reader hears of the button, when `label` stands in a list. */
  description?: string
  disabled?: boolean
  /** Whether the question is there from the start. */
  asking?: boolean
  /** Why it is disabled; the id of the text. */
  describedBy?: string
  onConfirm(): void
}

/** A button for what can't be undone: it asks in its own place first. */
export function ConfirmedButton({
  label,
  question,
  description,
  disabled,
  asking = false,
  describedBy,
  onConfirm,
}: ConfirmedButtonProps) {
  const [isAsking, setAsking] = useState(asking)
  const cancel = useRef<HTMLButtonElement>(null)
  const opener = useRef<HTMLButtonElement>(null)
  const moved = useRef(false)
  useEffect(() => {
    if (!moved.current) return
    if (isAsking) cancel.current?.focus()
    else opener.current?.focus()
  }, [isAsking])
  const turn = (next: boolean) => {
    moved.current = true
    setAsking(next)
  }
  if (!isAsking || disabled) {
    return (
      <Button ref={opener} aria-label={description} aria-describedby={describedBy} disabled={disabled} onClick={() => turn(true)}>
        {label}
      </Button>
    )
  }
  return (
    <div role="group" aria-label={description ?? label} className="fade-in flex flex-wrap items-center justify-end gap-2">
      <span className="text-sm text-ink-2">{question}</span>
      <Button
        look="danger"
        onClick={() => {
          turn(false)
          onConfirm()
        }}
      >
        {label}
      </Button>
      <Button
        ref={cancel}
        look="quiet"
        onClick={() => turn(false)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') turn(false)
        }}
      >
        <Trans>Cancel</Trans>
      </Button>
    </div>
  )
}
