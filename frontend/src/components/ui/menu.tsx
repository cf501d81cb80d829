import { Check } from 'lucide-react'
import { type CSSProperties, type KeyboardEvent, type ReactNode, useId, useRef, useState } from 'react'
import { flushSync } from 'react-dom'

export interface MenuItem {
  key: string
  label: ReactNode
  /** A second, quieter line. */
  note?: ReactNode
  icon?: ReactNode
  tone?: 'danger'
  /** Set for items of which one is chosen. */
  checked?: boolean
  disabled?: boolean
  select(): void
}

interface MenuProps {
  /** What the button is called. */
  label: string
  items: readonly MenuItem[]
  /** Which edge of the button the menu keeps to. */
  align?: 'start' | 'end'
  buttonClass?: string
  /** What the button shows. */
  children: ReactNode
}

const gap = 6

function placeBeside(button: DOMRect, menu: DOMRect, align: 'start' | 'end'): CSSProperties {
  const below = innerHeight - button.bottom - gap
  const under = below >= menu.height || below >= button.top
  const left = align === 'start' ? button.left : button.right - menu.width
  return {
    left: Math.max(8, Math.min(left, innerWidth - menu.width - 8)),
    top: under ? button.bottom + gap : Math.max(8, button.top - gap - menu.height),
    maxHeight: (under ? below : button.top) - gap - 8,
  }
}

/** A button that opens a menu. Arrow keys move, Escape closes and returns to the button. */
export function Menu({ label, items, align = 'start', buttonClass = '', children }: MenuProps) {
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const menu = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState(false)
  const [place, setPlace] = useState<CSSProperties>({})

  const onToggle = (opened: boolean) => {
    setOpen(opened)
    if (!opened || !button.current || !menu.current) return
    setPlace(placeBeside(button.current.getBoundingClientRect(), menu.current.getBoundingClientRect(), align))
    const entries = enabledItems(menu.current)
    const chosen = entries.find((entry) => entry.getAttribute('aria-checked') === 'true')
    ;(chosen ?? entries[0])?.focus()
  }

  const select = (item: MenuItem) => {
    menu.current?.hidePopover()
    button.current?.focus()
    item.select()
  }

  return (
    <>
      <button
        ref={button}
        type="button"
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        popoverTarget={id}
        className={buttonClass}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
          event.preventDefault()
          menu.current?.showPopover()
        }}
      >
        {children}
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="menu"
        tabIndex={-1}
        aria-label={label}
        style={place}
        // The rows are there before the menu shows, and only while it does.
        onBeforeToggle={(event) => {
          if (event.newState === 'open') flushSync(() => setOpen(true))
        }}
        onToggle={(event) => onToggle(event.newState === 'open')}
        onKeyDown={(event) => moveFocus(event, menu.current)}
        className="fixed m-0 min-w-52 max-w-[min(22rem,calc(100vw-1rem))] overflow-y-auto rounded-row border border-line bg-surface p-1 text-sm text-ink shadow-float"
      >
        {open && items.map((item) => <MenuRow key={item.key} item={item} onSelect={() => select(item)} />)}
      </div>
    </>
  )
}

function MenuRow({ item, onSelect }: { item: MenuItem; onSelect(): void }) {
  const radio = item.checked !== undefined
  return (
    <button
      type="button"
      role={radio ? 'menuitemradio' : 'menuitem'}
      aria-checked={radio ? item.checked : undefined}
      aria-disabled={item.disabled || undefined}
      tabIndex={-1}
      onClick={() => {
        if (!item.disabled) onSelect()
      }}
      className={`flex min-h-9 w-full items-start gap-2.5 rounded-control px-2.5 py-2 text-left hover:bg-hover focus:bg-hover aria-disabled:text-ink-3 touch:min-h-11 ${item.tone === 'danger' ? 'text-danger' : ''}`}
    >
      {item.icon && <span className="mt-0.5 shrink-0">{item.icon}</span>}
      <span className="min-w-0 flex-1">
        <span className="block leading-5">{item.label}</span>
        {item.note && <span className="block text-xs leading-4.5 text-ink-3">{item.note}</span>}
      </span>
      {radio && <Check size={16} className={`mt-0.5 shrink-0 text-tide ${item.checked ? '' : 'invisible'}`} />}
    </button>
  )
}

function enabledItems(menu: HTMLElement): HTMLElement[] {
  return [...menu.querySelectorAll<HTMLElement>('[role^=menuitem]')]
}

function moveFocus(event: KeyboardEvent, menu: HTMLElement | null): void {
  if (!menu) return
  const entries = enabledItems(menu)
  const at = entries.indexOf(document.activeElement as HTMLElement)
  const last = entries.length - 1
  const to = { ArrowDown: at === last ? 0 : at + 1, ArrowUp: at <= 0 ? last : at - 1, Home: 0, End: last }[event.key]
  if (to === undefined) {
    if (event.key === 'Tab') menu.hidePopover()
    return
  }
  event.preventDefault()
  event.stopPropagation()
  entries[to]?.focus()
}
