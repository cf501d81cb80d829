import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { PanelLeft, Search, SquarePen } from 'lucide-react'
import { type ReactNode, Suspense } from 'react'
import { IconButton } from '@/components/ui/button'
import { Keys } from '@/components/ui/keys'
import { lazyPart } from '@/components/ui/lazy-part'
import { Mark } from '@/components/ui/mark'
import { useServiceInfo } from '@/lib/service-info'
import { dialog, drawer } from '@/lib/ui-state'
import { LoadingRows } from './loading-rows'

// Asked for at once, beside the data it shows: the first paint doesn't wait for it.
const first = import('./conversation-list')
const ConversationList = lazyPart(
  () => first.catch(() => import('./conversation-list')).then((part) => part.ConversationList),
  null,
)

/** How a row of the sidebar looks. */
export const sidebarRow =
  'flex h-9 w-full items-center gap-2.5 rounded-row px-3 text-sm text-ink-2 transition-colors hover:bg-hover hover:text-ink touch:h-11'

interface SidebarProps {
  currentId: string | null
  /** Hides it: folds it away, or closes the drawer. */
  onHide(): void
  /** Called when the conversation on show is deleted. */
  onLeave(): void
  /** What stands at its lower end. */
  foot: ReactNode
}

/** Conversations and the ways to everything else. */
export function Sidebar({ currentId, onHide, onLeave, foot }: SidebarProps) {
  const { t } = useLingui()
  const info = useServiceInfo()
  return (
    <div className="flex h-full min-h-0 flex-col bg-sunken">
      <header className="flex h-12 items-center justify-between pr-2 pl-4.5">
        <Link to="/" onClick={() => drawer.set('closed')} className="flex items-center gap-2.5 rounded-control font-semibold">
          <Mark />
          {info?.service.name ?? 'Kimi K2'}
        </Link>
        <IconButton label={t`Hide sidebar`} onClick={onHide}>
          <PanelLeft size={17} />
        </IconButton>
      </header>
      <div className="px-2">
        <Link to="/" onClick={() => drawer.set('closed')} className={`${sidebarRow} font-medium text-ink`}>
          <SquarePen size={16} />
          <span className="flex-1">
            <Trans>New chat</Trans>
          </span>
          <Keys keys="mod+shift+o" />
        </Link>
        <SidebarButton icon={<Search size={16} />} keys="mod+k" onClick={() => dialog.set('palette')}>
          <Trans>Search</Trans>
        </SidebarButton>
      </div>
      <Suspense fallback={<LoadingRows />}>
        <ConversationList currentId={currentId} onLeave={onLeave} />
      </Suspense>
      <footer className="border-t border-line p-2 pb-[max(0.5rem,env(safe-area-inset-bottom))]">{foot}</footer>
    </div>
  )
}

interface SidebarButtonProps {
  icon: ReactNode
  keys?: string
  onClick(): void
  children: ReactNode
}

/** A row of the sidebar that does something. */
function SidebarButton({ icon, keys, onClick, children }: SidebarButtonProps) {
  return (
    <button type="button" onClick={onClick} className={sidebarRow}>
      {icon}
      <span className="flex-1 text-left">{children}</span>
      {keys && <Keys keys={keys} />}
    </button>
  )
}
