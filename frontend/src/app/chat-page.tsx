import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'
import { Chat } from '@/features/chat/chat'
import { EngineNote } from '@/features/service/engine-note'
import { ChatHead } from './chat-head'
import { PolicyLine } from './policy-line'

/** A chat, new or begun. */
export function ChatPage() {
  const navigate = useNavigate()
  const { id = null } = useParams({ strict: false })
  const { m = null } = useSearch({ strict: false })
  const onStarted = useCallback(
    (started: string) => void navigate({ to: '/c/$id', params: { id: started }, replace: true }),
    [navigate],
  )
  const onJumped = useCallback(() => {
    if (id) void navigate({ to: '/c/$id', params: { id }, search: {}, replace: true })
  }, [navigate, id])
  return (
    <Chat
      conversationId={id}
      jumpTo={m}
      onStarted={onStarted}
      onJumped={onJumped}
      foot={
        <>
          <EngineNote />
          <PolicyLine />
        </>
      }
      head={({ conversation, loadAll }) => <ChatHead conversation={conversation} loadAll={loadAll} />}
    />
  )
}
