import { Trans, useLingui } from '@lingui/react/macro'
import { timeWords } from '@/features/developers/words'
import { useNow } from '@/lib/clock'
import type { Past } from './session'

interface HistoryPanelProps {
  past: readonly Past[]
  onOpen(run: Past): void
}

/** What was run since the page was loaded. */
export function HistoryPanel({ past, onOpen }: HistoryPanelProps) {
  const { t } = useLingui()
  const now = useNow()
  return (
    // A scrolled region has to be reachable for the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="min-h-0 flex-1 overflow-y-auto p-2" tabIndex={0} role="region" aria-label={t`History`}>
      {past.length === 0 && (
        <p className="p-2 text-sm text-ink-3">
          <Trans>What you run is listed here until the page is closed.</Trans>
        </p>
      )}
      <ul className="space-y-0.5">
        {past.map((run) => (
          <li key={run.id}>
            <button
              type="button"
              onClick={() => onOpen(run)}
              className="block w-full rounded-control px-2 py-1.5 text-left hover:bg-hover"
            >
              <span className="flex justify-between gap-3 text-xs">
                <span className="truncate font-mono">{run.name}</span>
                <span className="shrink-0 text-ink-3 tabular-nums">{run.outcome}</span>
              </span>
              <span className="block text-2xs text-ink-3 tabular-nums">{timeWords(new Date(run.at).toISOString(), now)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
