import { Trans } from '@lingui/react/macro'
import type { ReactNode, Ref } from 'react'
import { Button } from '@/components/ui/button'
import { SupportLine } from '@/components/ui/support-line'
import type { MessageActs } from './answer'
import type { Outgoing } from './outbox'
import { useProseReady } from './prose'
import { type ThreadHandle, ThreadView } from './thread-view'
import type { Thread } from './use-thread'

interface ChatBodyProps {
  ref: Ref<ThreadHandle>
  thread: Thread
  outgoing: readonly Outgoing[]
  editing: string | null
  anchored: 'last' | 'none'
  acts: MessageActs
  onEdited(messageId: string, text: string): void
  onReturn(message: Outgoing): void
}

/** What stands above the composer of a begun chat: its thread, or why there is none. */
export function ChatBody({ thread, ...rest }: ChatBodyProps) {
  const drawable = useProseReady()
  switch (thread.state === 'ready' && !drawable ? 'loading' : thread.state) {
    case 'loading':
      return <LoadingThread />
    case 'missing':
      return (
        <Message>
          <p className="text-lg font-medium">
            <Trans>This conversation doesn’t exist.</Trans>
          </p>
          <p className="text-ink-2">
            <Trans>It was deleted, or it belongs to another browser.</Trans>
          </p>
        </Message>
      )
    case 'failed':
      return (
        <Message>
          <p className="text-lg font-medium">
            <Trans>The conversation can’t be loaded.</Trans>
          </p>
          <Button onClick={thread.refresh}>
            <Trans>Try again</Trans>
          </Button>
          <SupportLine />
        </Message>
      )
    case 'none':
    case 'ready':
      return <ThreadView {...rest} {...thread} />
  }
}

function Message({ children }: { children: ReactNode }) {
  return <div className="flex flex-1 flex-col items-center justify-center gap-3 px-5 text-center">{children}</div>
}

const lines = ['w-full', 'w-11/12', 'w-4/5', 'w-full', 'w-2/3']

function LoadingThread() {
  return (
    <div aria-hidden className="late mx-auto w-full max-w-180 flex-1 px-5 pt-6">
      <div className="shade mb-10 ml-auto h-12 w-3/5 rounded-card" />
      <div className="space-y-3.5">
        {lines.map((width, index) => (
          // The lines never change.
          // oxlint-disable-next-line react/no-array-index-key
          <div key={index} className={`shade h-4 ${width}`} />
        ))}
      </div>
    </div>
  )
}
