import { useLingui } from '@lingui/react/macro'
import { useNavigate } from '@tanstack/react-router'
import { Menu, PanelLeft, SquarePen } from 'lucide-react'
import { Suspense, useEffect } from 'react'
import { IconButton } from '@/components/ui/button'
import type { ConversationRowFragment, MessagePartsFragment } from '@/gql/graphql'
import { lazyPart } from '@/components/ui/lazy-part'
import { showTitle, unseen } from '@/lib/page-title'
import { prefs, setPrefs } from '@/lib/prefs'
import { useServiceInfo } from '@/lib/service-info'
import { useStore } from '@/lib/store'
import { drawer } from '@/lib/ui-state'

// Asked for at once, beside the data it shows: the first paint doesn't wait for it.
const first = import('./chat-title')
const ChatTitle = lazyPart(() => first.catch(() => import('./chat-title')).then((part) => part.ChatTitle), null, 'nothing')

const BalanceChip = lazyPart(() => import('@/features/billing/balance-chip').then((part) => part.BalanceChip), 'near', 'nothing')

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
        {conversation && (
          <Suspense fallback={null}>
            <ChatTitle key={conversation.id} conversation={conversation} loadAll={loadAll} onLeave={goHome} />
          </Suspense>
        )}
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

/** The tab's title, with a mark while something new waits to be seen. */
function usePageTitle(title: string | null): void {
  const name = useServiceInfo()?.service.name ?? 'Kimi K2'
  const mark = useStore(unseen)
  useEffect(() => {
    showTitle(title ? `${title} – ${name}` : name)
  }, [title, name, mark])
}
