import { useLingui } from '@lingui/react/macro'
import { type RefObject, useLayoutEffect, useRef, useState } from 'react'
import { Virtualizer } from 'virtua'
import { type NamedKey, keyName } from '@/features/developers/use-keys'
import { useNow } from '@/lib/clock'
import { useServiceInfo } from '@/lib/service-info'
import { columns, LogLine } from './log-line'
import type { LogRow } from './log-state'

/** Up to so many rows are all drawn: they can be searched for and printed. */
const drawnAtOnce = 150

/** The element that scrolls a node; null where that is the window. */
function scrollerOf(node: HTMLElement): HTMLElement | null {
  for (let above = node.parentElement; above; above = above.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(above).overflowY)) return above
  }
  return null
}

/** The scroller of a list, and how far below its top the list begins. */
function useScroller(list: RefObject<HTMLElement | null>): { scroller: RefObject<HTMLElement | null>; margin: number } {
  const scroller = useRef<HTMLElement>(null)
  const [margin, setMargin] = useState(0)
  useLayoutEffect(() => {
    const node = list.current
    if (!node) return
    const above = scrollerOf(node)
    scroller.current = above
    if (!above) return
    const measure = () => setMargin(node.getBoundingClientRect().top - above.getBoundingClientRect().top + above.scrollTop)
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(above)
    return () => observer.disconnect()
  }, [list])
  return { scroller, margin }
}

interface LogListProps {
  rows: readonly LogRow[]
  keys: readonly NamedKey[]
  onKey(keyId: string): void
}

/** The requests as a table; a long one is drawn only where it is seen. */
export function LogList({ rows, keys, onKey }: LogListProps) {
  const { t } = useLingui()
  const now = useNow()
  const models = useServiceInfo()?.models ?? []
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const body = useRef<HTMLDivElement>(null)
  const { scroller, margin } = useScroller(body)
  const toggle = (id: string) =>
    setOpen((before) => (before.has(id) ? new Set([...before].filter((one) => one !== id)) : new Set([...before, id])))
  const lines = rows.map((row) => (
    <div key={row.id} role="none">
      <LogLine
        row={row}
        keyName={keyName(keys, row.keyId)}
        modelName={models.find(({ id }) => id === row.modelId)?.name ?? row.modelId}
        open={open.has(row.id)}
        now={now}
        onToggle={toggle}
        onKey={onKey}
      />
    </div>
  ))
  return (
    <div role="table" aria-label={t`Requests`} aria-colcount={9} className="-mx-3 wide:mx-0">
      <div role="rowgroup" className="hidden @4xl:block">
        <Heads />
      </div>
      <div role="rowgroup" ref={body} className="border-b border-line">
        {rows.length <= drawnAtOnce ? (
          lines
        ) : (
          <Virtualizer scrollRef={scroller} startMargin={margin} bufferSize={800}>
            {lines}
          </Virtualizer>
        )}
      </div>
    </div>
  )
}

function Heads() {
  const { t } = useLingui()
  const heads = [t`Status`, t`Time`, t`Route`, t`Model`, t`Key`, t`Tokens`, t`Credits`, t`First token`, t`Took`]
  return (
    <div role="row" className={`px-3 pb-1.5 text-xs text-ink-3 ${columns}`}>
      {heads.map((head, at) => (
        <div key={head} role="columnheader" className={`whitespace-nowrap ${at > 4 ? 'text-right' : ''}`}>
          {head}
        </div>
      ))}
    </div>
  )
}
