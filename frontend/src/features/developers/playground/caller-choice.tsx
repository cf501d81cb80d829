import { Trans, useLingui } from '@lingui/react/macro'
import { useId } from 'react'
import { Segments } from '@/components/page/segments'
import type { Caller } from './session'

interface CallerChoiceProps {
  caller: Caller
  apiKey: string
  onCaller(caller: Caller): void
  onKey(apiKey: string): void
}

/** Who asks: the browser's session, or a key that is pasted and kept nowhere. */
export function CallerChoice({ caller, apiKey, onCaller, onKey }: CallerChoiceProps) {
  const { t } = useLingui()
  const id = useId()
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Segments<Caller>
        label={t`Who asks`}
        value={caller}
        options={[
          { value: 'session', label: t`This session` },
          { value: 'key', label: t`API key` },
        ]}
        onChoose={onCaller}
      />
      {caller === 'key' && (
        <>
          <input
            type="password"
            autoComplete="off"
            spellCheck={false}
            data-1p-ignore
            value={apiKey}
            onChange={(event) => onKey(event.target.value.trim())}
            aria-label={t`API key`}
            aria-describedby={id}
            placeholder="k2_live_…"
            className="h-9 w-56 min-w-0 rounded-control border border-control bg-surface px-2.5 font-mono text-sm placeholder:text-ink-3 touch:h-11"
          />
          <span id={id} className="text-xs text-ink-3">
            <Trans>Forgotten with the page.</Trans>
          </span>
        </>
      )}
    </div>
  )
}
