import { type CSSProperties, type ReactNode, useId, useRef, useState } from 'react'

interface PopoverProps {
  /** What the button is called. */
  label: string
  /** What a hovering pointer is told. */
  title?: string
  buttonClass: string
  /** What the button shows. */
  children: ReactNode
  /** Drawn while it is open. */
  content(): ReactNode
}

const gap = 6

function placeBeside(button: DOMRect, box: DOMRect): CSSProperties {
  const above = button.top - gap - 8 >= box.height || button.top > innerHeight - button.bottom
  return {
    left: Math.max(8, Math.min(button.left - 8, innerWidth - box.width - 8)),
    top: above ? Math.max(8, button.top - gap - box.height) : button.bottom + gap,
  }
}

/** A button that says more when it is pressed. Escape and a click beside it close it. */
export function Popover({ label, title, buttonClass, children, content }: PopoverProps) {
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const box = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState(false)
  const [place, setPlace] = useState<CSSProperties>({})
  const settle = () => {
    if (button.current && box.current)
      setPlace(placeBeside(button.current.getBoundingClientRect(), box.current.getBoundingClientRect()))
  }
  // What is loaded later makes the box another size.
  const watch = (node: HTMLDivElement | null) => {
    if (!node) return
    const observer = new ResizeObserver(settle)
    observer.observe(node)
    return () => observer.disconnect()
  }
  return (
    <>
      <button
        ref={button}
        type="button"
        aria-label={label}
        title={title}
        aria-haspopup="dialog"
        aria-expanded={open}
        popoverTarget={id}
        className={buttonClass}
      >
        {children}
      </button>
      <div
        ref={box}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={label}
        style={place}
        onToggle={(event) => setOpen(event.newState === 'open')}
        className="fixed m-0 w-[min(22rem,calc(100vw-1rem))] rounded-row border border-line bg-surface p-4 text-sm text-ink shadow-float"
      >
        {open && <div ref={watch}>{content()}</div>}
      </div>
    </>
  )
}
