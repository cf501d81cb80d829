import { useLingui } from '@lingui/react/macro'
import { X } from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { IconButton } from './button'

interface DialogProps {
  label: string
  onClose(): void
  /** Placed high for things that grow while typing, else in the middle. */
  place?: 'middle' | 'high'
  className?: string
  children: ReactNode
}

/**
 * A modal dialog on the browser's own: it holds the focus, closes on Escape and on a
 * click beside it, and gives the focus back to where it was.
 */
export function Dialog({ label, onClose, place = 'middle', className = '', children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const close = useRef(onClose)
  useEffect(() => {
    close.current = onClose
  })
  useEffect(() => {
    const opener = document.activeElement
    const node = dialog.current
    node?.showModal()
    // The browser would choose the first control, which is the one that closes.
    node?.querySelector<HTMLElement>('[data-first]')?.focus()
    return () => {
      node?.close()
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return (
    // The click is the mouse's way to Escape, which every keyboard has.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={dialog}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault()
        close.current()
      }}
      onClick={(event) => {
        if (event.target === dialog.current) close.current()
      }}
      className={`panel-in mx-auto max-h-[min(44rem,calc(100dvh-2rem))] w-[min(36rem,calc(100vw-2rem))] overflow-hidden rounded-card border border-line bg-surface p-0 shadow-float ${place === 'high' ? 'mt-[max(1rem,10vh)]' : 'my-auto'} ${className}`}
    >
      {children}
    </dialog>
  )
}

/** The head of a dialog: its title and the way out. */
export function DialogHead({ title, onClose }: { title: string; onClose(): void }) {
  const { t } = useLingui()
  return (
    <header className="flex items-center justify-between border-b border-line py-2.5 pr-2.5 pl-5">
      <h2 className="text-md font-semibold">{title}</h2>
      <IconButton label={t`Close`} onClick={onClose}>
        <X size={18} />
      </IconButton>
    </header>
  )
}
