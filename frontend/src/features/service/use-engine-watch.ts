import { useEffect } from 'react'
import { useClient } from 'urql'
import { EngineStateDocument } from '@/gql/graphql'
import { useServiceInfo } from '@/lib/service-info'

/** Milliseconds between two looks at an engine that isn't well. */
const every = 15_000

/** Asks again for the engine's state while it isn't well. */
export function useEngineWatch(): void {
  const client = useClient()
  const state = useServiceInfo()?.service.engine.state
  useEffect(() => {
    if (!state || state === 'OK') return
    const timer = setInterval(() => {
      void client.query(EngineStateDocument, {}, { requestPolicy: 'network-only' }).toPromise()
    }, every)
    return () => clearInterval(timer)
  }, [client, state])
}
