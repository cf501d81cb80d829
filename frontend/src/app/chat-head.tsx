import { useLingui } from '@lingui/react/macro'
import { useNavigate } from '@tanstack/react-router'
import { Menu, PanelLeft, SquarePen } from 'lucide-react'
import { Suspense, useEffect, useState } from 'react'
import { IconButton } from '@/components/ui/button'
import { branchMarkdown } from '@/features/chat/turns'
import { ConversationMenu } from '@/features/conversations/conversation-menu'
import { TitleEditor } from '@/features/conversations/title-editor'
import { useConversationActs } from '@/features/conversations/use-conversation-acts'
import type { ConversationRowFragment, MessagePartsFragment } from '@/gql/graphql'
import { copyText } from '@/lib/clipboard'
import { lazyPart } from '@/lib/lazy-part'
import { showTitle, unseen } from '@/lib/page-title'
import { prefs, setPrefs } from '@/lib/prefs'
import { useServiceInfo } from '@/lib/service-info'
import { useStore } from '@/lib/store'
import { drawer } from '@/lib/ui-state'

const BalanceChip = lazyPart(() => import('@/features/billing/balance-chip').then((part) => part.BalanceChip))

interface ChatHeadProps {
  conversation: ConversationRowFragment | null
  /** Gives every message of the branch on show. */
  loadAll(): Promise<readonly MessagePartsFragment[]>
}

/** The title of the chat on show and the ways out of it. */
export function ChatHead({ conversation, loadAll }: ChatHeadProps) {
  const { t } = useLingui()
  const navigate = useNavigate()
  const { sidebar } = useStore(prefs)
  usePageTitle(conversation?.title ?? null)
  const hasWallet = useServiceInfo()?.viewer.kind === 'ACCOUNT'
  const goHome = () => void navigate({ to: '/' })
  const folded = sidebar === 'closed'
  return (
    <header className="flex h-12 shrink-0 items-center gap-1 px-2">
      <IconButton label={t`Show sidebar`} onClick={() => drawer.set('open')} className="wide:hidden">
        <Menu size={18} />
      </IconButton>
      {folded && (
        <IconButton label={t`Show sidebar`} onClick={() => setPrefs({ sidebar: 'open' })} className="max-wide:hidden">
          <PanelLeft size={17} />
        </IconButton>
      )}
      <div className="flex min-w-0 flex-1 items-center justify-center gap-0.5">
        {conversation && <Title key={conversation.id} conversation={conversation} loadAll={loadAll} onLeave={goHome} />}
      </div>
      {hasWallet && (
        <Suspense fallback={null}>
          <BalanceChip />
        </Suspense>
      )}
      <IconButton label={t`New chat`} onClick={goHome} className={folded ? '' : 'wide:invisible'}>
        <SquarePen size={17} />
      </IconButton>
    </header>
  )
}

interface TitleProps {
  conversation: ConversationRowFragment
  /** Gives every message of the branch on show. */
  loadAll(): Promise<readonly MessagePartsFragment[]>
  onLeave(): void
}

function Title({ conversation, loadAll, onLeave }: TitleProps) {
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
      <h1 className="ml-8 truncate text-sm font-medium text-ink-2" title={conversation.title}>
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

/** The tab's title, with a mark while something new waits to be seen. */
function usePageTitle(title: string | null): void {
  const name = useServiceInfo()?.service.name ?? 'Kimi K2'
  const mark = useStore(unseen)
  useEffect(() => {
    showTitle(title ? `${title} – ${name}` : name)
  }, [title, name, mark])
}
