import { useLingui } from '@lingui/react/macro'
import { Pencil } from 'lucide-react'
import { memo } from 'react'
import { Bubble } from '@/components/ui/bubble'
import { IconButton } from '@/components/ui/button'
import type { MessagePartsFragment } from '@/gql/graphql'
import type { MessageActs } from './answer'
import { CopyButton } from './copy-button'
import { VersionSwitcher } from './version-switcher'

interface QuestionProps {
  message: MessagePartsFragment
  acts: MessageActs
}

/** What the viewer wrote. */
export const Question = memo(function Question({ message, acts }: QuestionProps) {
  const { t } = useLingui()
  return (
    <article
      aria-label={t`Your message`}
      tabIndex={-1}
      data-message={message.id}
      className="group flex flex-col items-end rounded-row outline-offset-8"
    >
      <h2 className="sr-only">{t`Your message`}</h2>
      <Bubble text={message.text} />
      <div className="mt-1 flex min-h-8 items-center text-ink-3">
        <div className="flex items-center opacity-0 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 touch:opacity-100">
          <CopyButton text={message.text} />
          <IconButton label={t`Edit`} onClick={() => acts.edit(message.id)}>
            <Pencil size={15} />
          </IconButton>
        </div>
        <VersionSwitcher id={message.id} versions={message.siblings} onShow={acts.show} />
      </div>
    </article>
  )
})
