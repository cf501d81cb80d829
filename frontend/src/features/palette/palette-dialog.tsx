import { useLingui } from '@lingui/react/macro'
import { Search } from 'lucide-react'
import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from 'react'
import { Dialog } from '@/components/ui/dialog'
import { isImeKey } from '@/lib/typing'
import { Highlighted } from './highlighted'
import { useCommands } from './use-commands'
import { useSearch } from './use-search'

export interface PaletteProps {
  onClose(): void
  onNewChat(): void
  onSettings(): void
  onOpen(conversationId: string, messageId: string | null): void
}

interface Entry {
  key: string
  group: string
  label: ReactNode
  note?: ReactNode
  run(): void
}

/** One field for everything: conversations by their text, actions and models. */
export function PaletteDialog({ onClose, onNewChat, onSettings, onOpen }: PaletteProps) {
  const { t } = useLingui()
  const listId = useId()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const commands = useCommands(onNewChat, onSettings, (id) => onOpen(id, null))
  const search = useSearch(text)
  const label = t`Search conversations, actions and models`

  const entries = useMemo<Entry[]>(() => {
    const wanted = text.trim().toLowerCase()
    const matching = commands.filter(({ words }) => words.toLowerCase().includes(wanted))
    const found = search.found.map((one) => ({
      key: `found ${one.id}`,
      group: t`Conversations`,
      label: one.messageId === null && one.length > 0 ? <Highlighted {...one} /> : one.title,
      note: one.messageId === null ? undefined : <Highlighted {...one} />,
      run: () => onOpen(one.id, one.messageId),
    }))
    const known = new Set(found.map(({ key }) => key))
    return [...found, ...matching.filter(({ key }) => !known.has(key.replace('recent', 'found')))]
  }, [commands, search.found, text, onOpen, t])

  const current = Math.min(at, entries.length - 1)
  useEffect(() => {
    document.querySelector(`#${CSS.escape(`${listId}-${current}`)}`)?.scrollIntoView({ block: 'nearest' })
  }, [current, listId])

  const choose = (entry: Entry | undefined) => {
    if (!entry) return
    onClose()
    entry.run()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (isImeKey(event.nativeEvent)) return
    const last = entries.length - 1
    const to = { ArrowDown: current >= last ? 0 : current + 1, ArrowUp: current <= 0 ? last : current - 1 }[event.key]
    if (to !== undefined) {
      event.preventDefault()
      setAt(to)
    }
    if (event.key === 'Enter') {
      event.preventDefault()
      choose(entries[current])
    }
  }

  return (
    <Dialog label={label} onClose={onClose} place="high">
      <div className="flex items-center gap-3 border-b border-line px-4">
        <Search size={17} className="shrink-0 text-ink-3" />
        <input
          ref={input}
          // The field is what the dialog is for.
          // oxlint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          type="text"
          role="combobox"
          aria-expanded
          aria-controls={listId}
          aria-activedescendant={entries.length > 0 ? `${listId}-${current}` : undefined}
          aria-autocomplete="list"
          aria-label={label}
          placeholder={label}
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setAt(0)
          }}
          onKeyDown={onKeyDown}
          className="h-13 min-w-0 flex-1 bg-transparent text-md outline-none placeholder:text-ink-3"
        />
      </div>
      <PaletteList id={listId} label={label} entries={entries} current={current} onPoint={setAt} onChoose={choose} />
      <p role="status" className="border-t border-line px-5 py-2.5 text-xs text-ink-3 empty:hidden">
        {search.state === 'busy' && t`Searching…`}
        {search.state === 'failed' && t`The search failed. Check your connection.`}
        {search.state === 'ready' && search.found.length === 0 && t`No conversation contains this.`}
      </p>
    </Dialog>
  )
}

interface PaletteListProps {
  id: string
  label: string
  entries: readonly Entry[]
  current: number
  onPoint(at: number): void
  onChoose(entry: Entry): void
}

function PaletteList({ id, label, entries, current, onPoint, onChoose }: PaletteListProps) {
  return (
    <div
      id={id}
      role="listbox"
      aria-label={label}
      tabIndex={-1}
      className="max-h-[min(26rem,60dvh)] overflow-y-auto p-1.5 empty:hidden"
    >
      {entries.map((entry, index) => (
        <div key={entry.key}>
          {entry.group !== entries[index - 1]?.group && (
            <div aria-hidden className="px-3 pt-2.5 pb-1 text-2xs font-semibold text-ink-3">
              {entry.group}
            </div>
          )}
          {/* The keys belong to the field, which says what is active. */}
          {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus */}
          <div
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            onMouseMove={() => onPoint(index)}
            onClick={() => onChoose(entry)}
            className="flex min-h-9 cursor-pointer flex-col justify-center rounded-row px-3 py-1.5 text-sm aria-selected:bg-hover touch:min-h-11"
          >
            <span dir="auto" className="truncate text-start">
              {entry.label}
            </span>
            {entry.note && <span className="truncate text-xs text-ink-3">{entry.note}</span>}
          </div>
        </div>
      ))}
    </div>
  )
}
