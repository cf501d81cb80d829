import { Trans, useLingui } from '@lingui/react/macro'
import { X } from 'lucide-react'
import { useState } from 'react'
import { Button, IconButton } from '@/components/ui/button'
import { Strip } from './strip'
import { line } from '@/lib/live/connection'
import { useServiceInfo } from '@/lib/service-info'
import { useStore } from '@/lib/store'
import { useEngineWatch } from './use-engine-watch'

/** What a person has to know about the line and the engine, only while it is so. */
export function Banners() {
  return (
    <>
      <LineBanner />
      <EngineBanner />
    </>
  )
}

function LineBanner() {
  const state = useStore(line)
  if (state === 'up') return null
  return (
    <Strip>
      {state === 'offline' ? (
        <Trans>You’re offline. What you type is kept, and answers go on when the network is back.</Trans>
      ) : (
        <Trans>Reconnecting… Nothing is lost meanwhile.</Trans>
      )}
    </Strip>
  )
}

function EngineBanner() {
  useEngineWatch()
  const engine = useServiceInfo()?.service.engine
  if (!engine) return null
  if (engine.state !== 'OK') {
    return (
      <Strip>
        {engine.state === 'DOWN' ? (
          <Trans>The inference engine {engine.name} doesn’t answer now. You can read and write; sending may fail.</Trans>
        ) : (
          <Trans>The inference engine {engine.name} has trouble. Answers may take longer or fail.</Trans>
        )}{' '}
        <span className="text-ink-2">{engine.message}</span>
      </Strip>
    )
  }
  return engine.kind === 'DEMO' ? <DemoBanner message={engine.message} /> : null
}

/** Folded and closed for this visit only: nobody may take the demonstration for a model. */
function DemoBanner({ message }: { message: string }) {
  const { t } = useLingui()
  const [view, setView] = useState<'short' | 'long' | 'closed'>('short')
  if (view === 'closed') return null
  return (
    <Strip
      actions={
        <>
          <Button look="quiet" aria-expanded={view === 'long'} onClick={() => setView(view === 'long' ? 'short' : 'long')}>
            <Trans>Connect an engine</Trans>
          </Button>
          <IconButton label={t`Hide`} onClick={() => setView('closed')}>
            <X size={16} />
          </IconButton>
        </>
      }
    >
      <p>
        <Trans>Demo: prepared answers, no model.</Trans>
      </p>
      {view === 'long' && (
        <p className="mt-1 text-ink-2">
          <Trans>
            Start the server with INFERENCE_URL set to any OpenAI-compatible address, such as http://127.0.0.1:11434/v1 for Ollama
            or http://127.0.0.1:8000/v1 for vLLM.
          </Trans>{' '}
          {message}
        </p>
      )}
    </Strip>
  )
}
