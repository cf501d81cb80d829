import { Trans } from '@lingui/react/macro'
import { useServiceInfo } from '@/lib/service-info'
import { dialog } from '@/lib/ui-state'

/**
 * The line below the composer: nobody may take the demonstration for a model. Its place
 * is kept while nothing is known, so that nothing moves.
 */
export function EngineNote() {
  const isDemo = useServiceInfo()?.service.engine.kind === 'DEMO'
  return (
    <p className="flex min-h-9 items-center justify-center gap-2 text-xs text-ink-3 touch:min-h-11">
      {isDemo && (
        <>
          <span>
            <Trans>Demo: prepared answers, no model.</Trans>
          </span>
          <button
            type="button"
            onClick={() => dialog.set('engine')}
            className="min-h-6 rounded-control px-1 text-tide underline underline-offset-3 hover:no-underline touch:min-h-11"
          >
            <Trans>Connect an engine</Trans>
          </button>
        </>
      )}
    </p>
  )
}
