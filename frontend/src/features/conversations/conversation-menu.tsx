import { useLingui } from '@lingui/react/macro'
import { Copy, Ellipsis, Link2, Pencil, Pin, PinOff, Trash2 } from 'lucide-react'
import { Menu, type MenuItem } from '@/components/ui/menu'
import { useServiceInfo } from '@/lib/service-info'
import { sharing } from '@/lib/ui-state'
import { useConversationActs } from './use-conversation-acts'

interface ConversationMenuProps {
  conversation: { id: string; title: string; pinned: boolean }
  onRename(): void
  onDelete?(): void
  /** Given where the whole conversation can be copied. */
  onCopy?(): void
  className?: string
}

/** What can be done with a conversation, as a menu. */
export function ConversationMenu({ conversation, onRename, onDelete, onCopy, className = '' }: ConversationMenuProps) {
  const { t } = useLingui()
  const acts = useConversationActs()
  const info = useServiceInfo()
  const mayShare = info?.service.sharing && info.viewer.kind === 'ACCOUNT'
  const { id, title, pinned } = conversation
  const items: MenuItem[] = [
    { key: 'rename', label: t`Rename`, icon: <Pencil size={15} />, select: onRename },
    {
      key: 'pin',
      label: pinned ? t`Unpin` : t`Pin`,
      icon: pinned ? <PinOff size={15} /> : <Pin size={15} />,
      select: () => void acts.pin(id, !pinned),
    },
    ...(mayShare
      ? [{ key: 'share', label: t`Share by link`, icon: <Link2 size={15} />, select: () => sharing.set(conversation) }]
      : []),
    ...(onCopy ? [{ key: 'copy', label: t`Copy as Markdown`, icon: <Copy size={15} />, select: onCopy }] : []),
    {
      key: 'delete',
      label: t`Delete`,
      icon: <Trash2 size={15} />,
      tone: 'danger' as const,
      select: () => {
        acts.delete(id)
        onDelete?.()
      },
    },
  ]
  return (
    <Menu
      label={t`Options for ${title}`}
      items={items}
      align="end"
      buttonClass={`inline-grid size-8 shrink-0 place-content-center rounded-control text-ink-3 transition-colors hover:bg-hover hover:text-ink touch:size-11 ${className}`}
    >
      <Ellipsis size={16} />
    </Menu>
  )
}
