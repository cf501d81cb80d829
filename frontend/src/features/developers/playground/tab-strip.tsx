import { useLingui } from '@lingui/react/macro'
import { Plus, X } from 'lucide-react'
import { type KeyboardEvent, useRef } from 'react'
import { IconButton } from '@/components/ui/button'
import { titleOf } from './document'
import type { Tab } from './session'

interface TabStripProps {
  tabs: readonly Tab[]
  current: number
  onChoose(id: number): void
  onClose(id: number): void
  onOpen(): void
}

/** The open documents. */
export function TabStrip({ tabs, current, onChoose, onClose, onOpen }: TabStripProps) {
  const { t } = useLingui()
  const list = useRef<HTMLDivElement>(null)
  const onKeyDown = (event: KeyboardEvent) => {
    const at = tabs.findIndex(({ id }) => id === current)
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const next = step === undefined ? undefined : tabs.at((at + step) % tabs.length)
    if (event.key === 'Delete') onClose(current)
    if (!next) return
    event.preventDefault()
    onChoose(next.id)
    list.current?.querySelector<HTMLElement>(`#document-${next.id}`)?.focus()
  }
  return (
    <div className="flex min-w-0 items-center gap-1">
      <div
        ref={list}
        role="tablist"
        tabIndex={-1}
        aria-label={t`Documents`}
        onKeyDown={onKeyDown}
        className="dev-nav flex min-w-0 gap-1 overflow-x-auto p-0.5"
      >
        {tabs.map(({ id, query }) => (
          <div key={id} role="none" className="group relative flex shrink-0 items-center">
            <button
              id={`document-${id}`}
              type="button"
              role="tab"
              aria-selected={id === current}
              aria-controls="document"
              tabIndex={id === current ? 0 : -1}
              onClick={() => onChoose(id)}
              className="min-h-8 max-w-44 truncate rounded-control pr-8 pl-3 text-sm text-ink-2 hover:bg-hover aria-selected:bg-tide-soft aria-selected:text-ink touch:min-h-11"
            >
              {titleOf(query) ?? t`Untitled`}
            </button>
            <button
              type="button"
              tabIndex={-1}
              aria-hidden="true"
              title={t`Close`}
              onClick={() => onClose(id)}
              className="absolute right-1 grid size-6 place-content-center rounded-control text-ink-3 hover:bg-hover hover:text-ink"
            >
              <X size={13} />
            </button>
          </div>
        ))}
      </div>
      <IconButton label={t`New document`} onClick={onOpen}>
        <Plus size={16} />
      </IconButton>
    </div>
  )
}
