import { Trans, useLingui } from '@lingui/react/macro'
import { useEffect, useMemo, useRef, useState } from 'react'
import { VList, type VListHandle } from 'virtua'
import { Button } from '@/components/ui/button'
import { ConversationRow } from './conversation-row'
import { withHeadings } from './date-groups'
import { GroupHeading } from './group-heading'
import { LoadingRows } from './loading-rows'
import { useConversations } from './use-conversations'

/** How close to the end the next page is asked for, in pixels. */
const ahead = 600

interface ConversationListProps {
  currentId: string | null
  onLeave(): void
}

/** The viewer's conversations, drawn only where they are seen. */
export function ConversationList({ currentId, onLeave }: ConversationListProps) {
  const { t } = useLingui()
  const { state, rows, hasMore, more, loadMore, retry } = useConversations()
  const list = useRef<VListHandle>(null)
  const today = useToday()
  const lines = useMemo(() => withHeadings(rows, today), [rows, today])

  const look = () => {
    const handle = list.current
    if (handle && hasMore && more === 'idle' && handle.scrollSize - handle.scrollOffset - handle.viewportSize < ahead) loadMore()
  }
  useEffect(look)

  if (state === 'loading') return <LoadingRows />
  if (state === 'failed') {
    return (
      <div className="flex flex-1 flex-col items-start gap-2 px-3 pt-4 text-sm text-ink-3">
        <Trans>Your conversations can’t be loaded.</Trans>
        <Button onClick={retry}>
          <Trans>Try again</Trans>
        </Button>
      </div>
    )
  }
  if (rows.length === 0) {
    return (
      <p className="flex-1 px-3 pt-6 text-sm text-ink-3">
        <Trans>Conversations will be listed here.</Trans>
      </p>
    )
  }
  return (
    <nav aria-label={t`Conversations`} className="min-h-0 flex-1">
      <VList ref={list} onScroll={look} className="h-full px-2 pb-4">
        {lines.map((line) =>
          'row' in line ? (
            <ConversationRow key={line.row.id} conversation={line.row} isCurrent={line.row.id === currentId} onLeave={onLeave} />
          ) : (
            <GroupHeading key={JSON.stringify(line.heading)} group={line.heading} />
          ),
        )}
        {more === 'failed' && <MoreFailed onAgain={loadMore} />}
      </VList>
    </nav>
  )
}

function MoreFailed({ onAgain }: { onAgain(): void }) {
  return (
    <div className="flex flex-col items-start gap-2 px-3 py-2 text-sm text-ink-3">
      <Trans>More conversations can’t be loaded.</Trans>
      <Button onClick={onAgain}>
        <Trans>Try again</Trans>
      </Button>
    </div>
  )
}

/** Today, changed at midnight so that headings stay true. */
function useToday(): Date {
  const [today, setToday] = useState(() => new Date())
  useEffect(() => {
    const midnight = new Date(today)
    midnight.setHours(24, 0, 1, 0)
    const timer = setTimeout(() => setToday(new Date()), midnight.getTime() - Date.now())
    return () => clearTimeout(timer)
  }, [today])
  return today
}
