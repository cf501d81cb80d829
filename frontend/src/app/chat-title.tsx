import { useLingui } from '@lingui/react/macro'
import { useState } from 'react'
import { branchMarkdown } from '@/features/chat/turns'
import { ConversationMenu } from '@/features/conversations/conversation-menu'
import { TitleEditor } from '@/features/conversations/title-editor'
import { useConversationActs } from '@/features/conversations/use-conversation-acts'
import type { ConversationRowFragment, MessagePartsFragment } from '@/gql/graphql'
import { copyText } from '@/lib/clipboard'

interface ChatTitleProps {
  conversation: ConversationRowFragment
  /** Gives every message of the branch on show. */
  loadAll(): Promise<readonly MessagePartsFragment[]>
  onLeave(): void
}

/** The title of the chat on show, which can be changed, and what can be done with it. */
export function ChatTitle({ conversation, loadAll, onLeave }: ChatTitleProps) {
  const { t } = useLingui()
  const acts = useConversationActs()
  const [renaming, setRenaming] = useState(false)
  const copy = async () => copyText(branchMarkdown(conversation.title, await loadAll(), { you: t`You` }))
  if (renaming) {
    const done = (title: string | null) => {
      setRenaming(false)
      if (title !== null) void acts.rename(conversation.id, title)
    }
    return <TitleEditor title={conversation.title} onDone={done} className="h-8 w-full max-w-96 text-center" />
  }
  return (
    <>
      <h1 dir="auto" className="ml-8 truncate text-sm font-medium text-ink-2" title={conversation.title}>
        {conversation.title}
      </h1>
      <ConversationMenu
        conversation={conversation}
        onRename={() => setRenaming(true)}
        onDelete={onLeave}
        onCopy={() => void copy()}
      />
    </>
  )
}
