import { Trans, useLingui } from '@lingui/react/macro'
import { Pencil } from 'lucide-react'
import { memo, useState } from 'react'
import { Button, IconButton } from '@/components/ui/button'
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

/** Longer texts are folded in the bubble. */
const foldAt = 1_500

/** The soft bubble around a question; what is long opens on request. */
export function Bubble({ text, faded = '' }: { text: string; faded?: string }) {
  const [open, setOpen] = useState(false)
  const long = text.length > foldAt
  return (
    <div
      className={`max-w-[85%] rounded-card rounded-br-control bg-bubble px-4 py-2.5 text-md leading-relaxed break-words whitespace-pre-wrap transition-opacity ${faded}`}
    >
      {long && !open ? `${text.slice(0, foldAt)}…` : text}
      {long && (
        <div className="mt-1">
          <Button look="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? <Trans>Show less</Trans> : <Trans>Show all</Trans>}
          </Button>
        </div>
      )}
    </div>
  )
}
