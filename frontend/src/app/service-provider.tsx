import { type ReactNode, useEffect, useMemo } from 'react'
import { useClient, useQuery, useSubscription } from 'urql'
import { unmask } from '@/gql/fragment-masking'
import {
  AccountEventsDocument,
  AppDocument,
  EventPartsFragmentDoc,
  GuestPartsFragmentDoc,
  MessagePartsFragmentDoc,
  ModelPartsFragmentDoc,
  ServicePartsFragmentDoc,
  ViewerPartsFragmentDoc,
  ViewerEventsDocument,
  type ViewerEventsSubscription,
} from '@/gql/graphql'
import { closeSocket } from '@/lib/live/socket'
import { noteReady } from '@/lib/page-title'
import { type ServiceInfo, ServiceInfoContext } from '@/lib/service-info'
import { useStore } from '@/lib/store'
import { missedEvents } from '@/lib/ui-state'
import { useIdentity } from './use-identity'

/** Milliseconds before the server is asked again when it didn't answer. */
const retryAfter = 3_000

/** Loads what every page may know, keeps it, and listens to what happens to the viewer's conversations. */
export function ServiceProvider({ children }: { children: ReactNode }) {
  const [{ data, error, fetching }, execute] = useQuery({ query: AppDocument })
  const missed = useStore(missedEvents)
  useEffect(() => {
    if (missed > 0) execute({ requestPolicy: 'network-only' })
  }, [missed, execute])
  useEffect(() => {
    if (data || !error || fetching) return
    const timer = setTimeout(() => execute({ requestPolicy: 'network-only' }), retryAfter)
    return () => clearTimeout(timer)
  }, [data, error, fetching, execute])

  const info = useMemo<ServiceInfo | null>(
    () =>
      data
        ? {
            service: unmask(ServicePartsFragmentDoc, data.service),
            models: data.models.map((model) => unmask(ModelPartsFragmentDoc, model)),
            viewer: { ...unmask(GuestPartsFragmentDoc, data.viewer), ...unmask(ViewerPartsFragmentDoc, data.viewer) },
            providers: data.service.providers,
          }
        : null,
    [data],
  )
  useIdentity(info?.viewer)
  const viewerId = info?.viewer.id ?? null
  return (
    <ServiceInfoContext value={info}>
      {viewerId !== null && <ViewerEvents key={viewerId} hasAccount={info?.viewer.kind === 'ACCOUNT'} />}
      {children}
    </ServiceInfoContext>
  )
}

/**
 * Follows the viewer's events: the cache takes in what they carry. It starts with the
 * first stored message, since a visitor who hasn't written has nothing to follow, and
 * anew with another viewer, whom an open socket wouldn't know.
 */
function ViewerEvents({ hasAccount }: { hasAccount: boolean }) {
  const client = useClient()
  useEffect(() => closeSocket, [client])
  // Only accounts have a wallet; what else there is to follow is the same.
  const query = hasAccount ? (AccountEventsDocument as typeof ViewerEventsDocument) : ViewerEventsDocument
  useSubscription({ query }, (_before: ViewerEventsSubscription | undefined, now) => {
    const event = unmask(EventPartsFragmentDoc, now.viewerEvents)
    if (event.__typename === 'ReplyEnded' && unmask(MessagePartsFragmentDoc, event.reply).text !== '') noteReady()
    return now
  })
  return null
}
