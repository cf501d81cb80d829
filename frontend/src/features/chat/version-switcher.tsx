import { useLingui } from '@lingui/react/macro'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { IconButton } from '@/components/ui/button'

interface VersionSwitcherProps {
  id: string
  /** All versions of the message, oldest first. */
  versions: readonly { id: string }[]
  onShow(id: string): void
}

/** < 2/3 >: which version of a message is on show, and the way to its neighbours. */
export function VersionSwitcher({ id, versions, onShow }: VersionSwitcherProps) {
  const { t } = useLingui()
  const at = versions.findIndex((version) => version.id === id)
  if (versions.length < 2 || at < 0) return null
  const before = versions[at - 1]
  const after = versions[at + 1]
  const place = at + 1
  const all = versions.length
  return (
    // A fieldset would be a form's; this only names the three parts as one.
    // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role
    <div role="group" aria-label={t`Versions`} className="flex items-center">
      <IconButton label={t`Previous version`} disabled={!before} onClick={() => before && onShow(before.id)}>
        <ChevronLeft size={15} />
      </IconButton>
      <span className="min-w-8 text-center text-xs text-ink-3 tabular-nums">
        <span aria-hidden>
          {place}/{all}
        </span>
        <span className="sr-only">{t`Version ${place} of ${all}`}</span>
      </span>
      <IconButton label={t`Next version`} disabled={!after} onClick={() => after && onShow(after.id)}>
        <ChevronRight size={15} />
      </IconButton>
    </div>
  )
}
