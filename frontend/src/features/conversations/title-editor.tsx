import { useLingui } from '@lingui/react/macro'
import { useEffect, useRef } from 'react'
import { isImeKey } from '@/lib/typing'

interface TitleEditorProps {
  title: string
  /** Called once: with the new title, or with null when nothing is to change. */
  onDone(title: string | null): void
  className?: string
}

/** A title being written: Enter or leaving keeps it, Escape doesn't. */
export function TitleEditor({ title, onDone, className = '' }: TitleEditorProps) {
  const { t } = useLingui()
  const input = useRef<HTMLInputElement>(null)
  const finished = useRef(false)
  useEffect(() => input.current?.select(), [])
  const finish = (next: string | null) => {
    if (finished.current) return
    finished.current = true
    onDone(next === title ? null : next)
  }
  return (
    <input
      ref={input}
      dir="auto"
      aria-label={t`Title`}
      defaultValue={title}
      maxLength={200}
      onBlur={(event) => finish(event.target.value)}
      onKeyDown={(event) => {
        event.stopPropagation()
        if (isImeKey(event.nativeEvent)) return
        if (event.key === 'Enter') finish(event.currentTarget.value)
        if (event.key === 'Escape') finish(null)
      }}
      className={`min-w-0 rounded-control border border-control bg-surface px-2 text-sm text-ink ${className}`}
    />
  )
}
