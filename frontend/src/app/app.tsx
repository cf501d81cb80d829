import { i18n } from '@lingui/core'
import { I18nProvider } from '@lingui/react'
import { RouterProvider } from '@tanstack/react-router'
import { type ReactNode, useEffect } from 'react'
import { Provider } from 'urql'
import { StatusRegion } from '@/components/ui/status-region'
import { ToastRegion } from '@/components/ui/toast-region'
import { onReplyOver } from '@/features/chat/reply-store'
import { startSender } from '@/features/chat/sender'
import { EngineStateDocument, ReplyDocument } from '@/gql/graphql'
import { keepDrafts } from '@/lib/drafts'
import { createClient } from '@/lib/graphql/client'
import { watchNetwork } from '@/lib/live/connection'
import { closeSocket } from '@/lib/live/socket'
import { resetTransport } from '@/lib/live/transport'
import { watchAttention } from '@/lib/page-title'
import { followOtherTabs } from '@/lib/prefs'
import { missedEvents } from '@/lib/ui-state'
import { ErrorBoundary } from './error-boundary'
import { router } from './router'
import { ServiceProvider } from './service-provider'
import { watchReturn } from './use-identity'

const askAgain = () => missedEvents.update((count) => count + 1)

const client = createClient({ missed: askAgain, viewerLost: askAgain })

/** Fetches a reply's final form once; the live text stays on show until it is there. */
async function storeReply(id: string, tries = 0): Promise<void> {
  const { error } = await client.query(ReplyDocument, { id }, { requestPolicy: 'network-only' }).toPromise()
  if (error?.networkError && tries < 8) setTimeout(() => void storeReply(id, tries + 1), 1_000 * 2 ** Math.min(tries, 4))
  void client.query(EngineStateDocument, {}, { requestPolicy: 'network-only' }).toPromise()
}

function watchOffline(): () => void {
  // A socket of a network that is gone would look open for long.
  window.addEventListener('offline', closeSocket)
  window.addEventListener('online', resetTransport)
  return () => {
    window.removeEventListener('offline', closeSocket)
    window.removeEventListener('online', resetTransport)
  }
}

function useWatches(): void {
  useEffect(() => {
    onReplyOver((id) => void storeReply(id))
    const ends = [
      watchNetwork(),
      watchOffline(),
      watchAttention(),
      watchReturn(),
      followOtherTabs(),
      keepDrafts(),
      startSender(client),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [])
}

function Watches({ children }: { children: ReactNode }) {
  useWatches()
  return children
}

/** The whole app. */
export function App() {
  return (
    <I18nProvider i18n={i18n}>
      <ErrorBoundary>
        <Provider value={client}>
          <Watches>
            <ServiceProvider>
              <RouterProvider router={router} />
            </ServiceProvider>
          </Watches>
        </Provider>
      </ErrorBoundary>
      <ToastRegion />
      <StatusRegion />
    </I18nProvider>
  )
}
