import { Trans, useLingui } from '@lingui/react/macro'
import { ChevronDown } from 'lucide-react'
import { Menu, type MenuItem } from '@/components/ui/menu'
import type { ModelPartsFragment } from '@/gql/graphql'
import { useServiceInfo } from '@/lib/service-info'
import { useStore } from '@/lib/store'
import { chosenModel } from '@/lib/ui-state'
import { modelInUse } from './model-in-use'

/** Chooses the model for what is sent next. */
export function ModelPicker({ ofConversation }: { ofConversation: string | null }) {
  const { t } = useLingui()
  const models = useServiceInfo()?.models ?? []
  const chosen = useStore(chosenModel)
  const current = modelInUse(models, chosen, ofConversation)
  if (!current) return null
  const items: MenuItem[] = models.map((model) => ({
    key: model.id,
    label: <ModelName model={model} />,
    note: model.available ? model.description : t`Not available now`,
    checked: model.id === current.id,
    disabled: !model.available,
    select: () => chosenModel.set(model.id),
  }))
  return (
    <Menu
      label={t`Model: ${current.name}`}
      items={items}
      align="end"
      buttonClass="inline-flex h-8 min-w-0 items-center gap-1 rounded-control px-2 text-sm text-ink-2 transition-colors hover:bg-hover hover:text-ink touch:h-11"
    >
      <span className="truncate">{current.name}</span>
      <ChevronDown size={14} className="shrink-0" />
    </Menu>
  )
}

/** A model's name; only models of that class are called so. */
function ModelName({ model }: { model: ModelPartsFragment }) {
  return (
    <>
      {model.name}
      {model.trillionMoe && (
        <span className="ml-2 text-xs text-tide">
          <Trans>trillion-parameter MoE</Trans>
        </span>
      )}
    </>
  )
}
