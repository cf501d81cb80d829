import { useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { Pin } from 'lucide-react'
import { useLayoutEffect, useRef, useState } from 'react'
import type { ConversationRowFragment } from '@/gql/graphql'
import { drawer } from '@/lib/ui-state'
import { ConversationMenu } from './conversation-menu'
import { TitleEditor } from './title-editor'
import { useConversationActs } from './use-conversation-acts'

interface ConversationRowProps {
  conversation: ConversationRowFragment
  isCurrent: boolean
  /** Called when the conversation on show is deleted. */
  onLeave(): void
}

/** One conversation of the sidebar. F2 renames it. */
export function ConversationRow({ conversation, isCurrent, onLeave }: ConversationRowProps) {
  const { t } = useLingui()
  const acts = useConversationActs()
  const [renaming, setRenaming] = useState(false)
  const link = useRef<HTMLAnchorElement>(null)
  const wasRenaming = useRef(false)
  useLayoutEffect(() => {
    if (wasRenaming.current && !renaming) link.current?.focus()
    wasRenaming.current = renaming
  }, [renaming])
  const { id, title, pinned, activeReply } = conversation

  if (renaming) {
    const done = (next: string | null) => {
      setRenaming(false)
      if (next !== null) void acts.rename(id, next)
    }
    return <TitleEditor title={title} onDone={done} className="mx-1 h-8 w-[calc(100%-0.5rem)] touch:h-11" />
  }
  return (
    <div
      data-current={isCurrent || undefined}
      className="group relative flex items-center rounded-row transition-colors hover:bg-hover data-current:bg-hover"
    >
      <Link
        ref={link}
        to="/c/$id"
        params={{ id }}
        aria-current={isCurrent ? 'page' : undefined}
        onClick={() => drawer.set('closed')}
        onKeyDown={(event) => {
          if (event.key === 'F2') setRenaming(true)
        }}
        className="flex h-8 min-w-0 flex-1 items-center gap-2 rounded-row px-3 text-sm text-ink-2 group-data-current:font-medium group-data-current:text-ink touch:h-11"
      >
        <span dir="auto" className="truncate">
          {title}
        </span>
        {activeReply && <span className="lamp shrink-0" role="img" aria-label={t`is being answered`} />}
      </Link>
      {pinned && (
        <Pin
          size={13}
          aria-hidden
          className="mr-2.5 shrink-0 text-ink-3 group-focus-within:hidden group-hover:hidden touch:hidden"
        />
      )}
      <ConversationMenu
        conversation={conversation}
        onRename={() => setRenaming(true)}
        onDelete={isCurrent ? onLeave : undefined}
        className="sr-only group-focus-within:not-sr-only group-hover:not-sr-only group-focus-within:inline-grid group-hover:inline-grid touch:not-sr-only touch:inline-grid"
      />
    </div>
  )
}
