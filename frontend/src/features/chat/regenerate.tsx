import { useLingui } from '@lingui/react/macro'
import { RefreshCw } from 'lucide-react'
import { IconButton } from '@/components/ui/button'
import { Menu, type MenuItem } from '@/components/ui/menu'
import type { MessagePartsFragment } from '@/gql/graphql'
import { useServiceInfo } from '@/lib/service-info'
import type { MessageActs } from './answer'

/** Asks for another answer: at once, or by a choice of models where there is one. */
export function Regenerate({ message, acts }: { message: MessagePartsFragment; acts: MessageActs }) {
  const { t } = useLingui()
  const models = useServiceInfo()?.models ?? []
  const others = models.filter((model) => model.available && model.id !== message.model?.id)
  const again = () => acts.regenerate(message.id)
  if (others.length === 0) {
    return (
      <IconButton label={t`Regenerate`} onClick={again}>
        <RefreshCw size={15} />
      </IconButton>
    )
  }
  const items: MenuItem[] = [
    { key: 'same', label: t`Regenerate`, note: message.model?.name, icon: <RefreshCw size={15} />, select: again },
    ...others.map((model) => ({
      key: model.id,
      label: t`With ${model.name}`,
      note: model.description,
      select: () => acts.regenerate(message.id, model.id),
    })),
  ]
  return (
    <Menu
      label={t`Regenerate`}
      items={items}
      buttonClass="inline-grid size-8 place-content-center rounded-control text-ink-2 transition-colors hover:bg-hover hover:text-ink touch:size-11"
    >
      <RefreshCw size={15} />
    </Menu>
  )
}
