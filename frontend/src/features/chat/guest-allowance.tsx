import { plural } from '@lingui/core/macro'
import { useLingui } from '@lingui/react/macro'
import { useServiceInfo } from '@/lib/service-info'

/** Whether the viewer's answer about the age keeps it from sending. */
export function useAgeRefused(): boolean {
  return useServiceInfo()?.viewer.gate.ageRefused ?? false
}

/** Messages the viewer may still send as a guest; null when there is no limit. */
export function useMessagesLeft(): number | null {
  return useServiceInfo()?.viewer.guest?.messagesLeft ?? null
}

/** The quiet count of what a guest may still send. */
export function MessagesLeft({ left }: { left: number }) {
  const { t } = useLingui()
  const limit = useServiceInfo()?.viewer.guest?.messageLimit ?? left
  return (
    <span className="text-xs text-ink-3 tabular-nums">{t`${left} of ${plural(limit, { one: '# message', other: '# messages' })} left`}</span>
  )
}
