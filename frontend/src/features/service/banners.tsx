import { Trans } from '@lingui/react/macro'
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
  if (!engine || engine.state === 'OK') return null
  return (
    <Strip>
      {engine.state === 'DOWN' ? (
        <Trans>The inference engine {engine.name} doesn’t answer now. You can read and write; sending may fail.</Trans>
      ) : (
        <Trans>The inference engine {engine.name} has trouble. Answers may take longer or fail.</Trans>
      )}{' '}
      <span lang="en" className="text-ink-2">
        {engine.message}
      </span>
    </Strip>
  )
}
