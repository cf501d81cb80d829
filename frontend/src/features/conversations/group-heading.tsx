import { useLingui } from '@lingui/react/macro'
import type { Group } from './date-groups'

/** The words over a group of conversations. */
export function GroupHeading({ group }: { group: Group }) {
  const { t, i18n } = useLingui()
  const words = {
    pinned: t`Pinned`,
    today: t`Today`,
    yesterday: t`Yesterday`,
    week: t`Last 7 days`,
    month30: t`Last 30 days`,
    month: '',
  }[group.kind]
  const month = group.kind === 'month' ? i18n.date(new Date(group.year, group.month, 1), { month: 'long', year: 'numeric' }) : words
  return <h2 className="flex h-10 items-end px-3 pb-1.5 text-2xs font-semibold text-ink-3">{month}</h2>
}
