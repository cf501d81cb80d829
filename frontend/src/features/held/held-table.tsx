import { Plural, Trans, useLingui } from '@lingui/react/macro'
import { ChevronDown } from 'lucide-react'
import { useId, useState } from 'react'
import { day } from '@/components/page/moments'
import type { HeldTableFragment } from '@/gql/graphql'
import { HeldValues } from './held-values'
import { keptWords, tableWords } from './held-words'

interface HeldTableProps {
  table: HeldTableFragment
  isGuest: boolean
}

/** What one table holds, and on demand its values. */
export function HeldTable({ table, isGuest }: HeldTableProps) {
  const { t } = useLingui()
  const [open, setOpen] = useState(false)
  const values = useId()
  const words = tableWords(table)
  const since = table.oldestAt && day(table.oldestAt)
  return (
    <li>
      <button
        type="button"
        aria-expanded={open}
        aria-controls={values}
        aria-label={t`${words}: show values`}
        onClick={() => setOpen(!open)}
        className="flex w-full items-start gap-3 px-4 py-3 text-left transition-colors hover:bg-hover"
      >
        <span className="min-w-0 flex-1">
          <span className="block text-sm font-medium break-words">{words}</span>
          <span className="mt-0.5 block text-xs leading-5 text-ink-3">{keptWords(table, isGuest)}</span>
        </span>
        <span className="shrink-0 text-right text-sm tabular-nums">
          <Plural value={table.count} one="# row" other="# rows" />
          {since && (
            <span className="block text-xs leading-5 text-ink-3">
              <Trans>since {since}</Trans>
            </span>
          )}
        </span>
        <ChevronDown
          size={17}
          aria-hidden="true"
          className={`mt-0.5 shrink-0 text-ink-3 transition-transform ${open ? 'rotate-180' : ''}`}
        />
      </button>
      <div id={values}>{open && <HeldValues table={table.name} label={words} />}</div>
    </li>
  )
}
