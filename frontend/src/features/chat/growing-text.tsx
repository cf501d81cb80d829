import { type KeyboardEvent, type Ref, useImperativeHandle, useLayoutEffect, useRef } from 'react'
import { prefs } from '@/lib/prefs'
import { hasMod, isImeKey } from '@/lib/typing'
import { enterAction } from './enter-key'

interface GrowingTextProps {
  ref?: Ref<HTMLTextAreaElement>
  label: string
  value: string
  placeholder?: string
  describedBy?: string
  onChange(value: string): void
  onSend(): void
  onEscape?(): void
  /** Arrow up in an empty text. */
  onArrowUp?(): void
}

/** A text area that grows with its text and knows what Enter means. */
export function GrowingText({
  ref,
  label,
  value,
  placeholder,
  describedBy,
  onChange,
  onSend,
  onEscape,
  onArrowUp,
}: GrowingTextProps) {
  const area = useRef<HTMLTextAreaElement>(null)
  useImperativeHandle(ref, () => area.current as HTMLTextAreaElement)

  useLayoutEffect(() => {
    const node = area.current
    if (!node) return
    node.style.height = '0'
    node.style.height = `${node.scrollHeight}px`
  }, [value])

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === 'Escape' && onEscape && !isImeKey(event.nativeEvent)) {
      event.stopPropagation()
      onEscape()
    }
    if (event.key === 'ArrowUp' && value === '' && onArrowUp) {
      event.preventDefault()
      onArrowUp()
    }
    if (event.key !== 'Enter') return
    const action = enterAction({
      shift: event.shiftKey,
      mod: hasMod(event),
      ime: isImeKey(event.nativeEvent),
      sendKey: prefs.get().sendKey,
      touch: matchMedia('(pointer: coarse)').matches,
    })
    if (action !== 'send') return
    event.preventDefault()
    onSend()
  }

  return (
    <textarea
      ref={area}
      rows={1}
      dir="auto"
      aria-label={label}
      aria-describedby={describedBy}
      placeholder={placeholder}
      value={value}
      enterKeyHint="enter"
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={onKeyDown}
      className="block max-h-[40dvh] min-h-10 w-full resize-none overflow-y-auto bg-transparent px-2 py-1.5 text-md leading-relaxed outline-none placeholder:text-ink-3"
    />
  )
}
