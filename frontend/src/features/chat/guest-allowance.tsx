import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { copyText } from '@/lib/clipboard'
import { useServiceInfo } from '@/lib/service-info'

/** Messages the viewer may still send as a guest; null when there is no limit. */
export function useMessagesLeft(): number | null {
  return useServiceInfo()?.viewer.guest?.messagesLeft ?? null
}

/** The quiet count of what a guest may still send. */
export function MessagesLeft({ left }: { left: number }) {
  const { t } = useLingui()
  return (
    <span className="text-xs text-ink-3 tabular-nums">{t`${plural(left, { one: '# message', other: '# messages' })} left as a guest`}</span>
  )
}

/** Said calmly at the limit: what is over, and what still works. */
export function GuestLimitPanel({ text }: { text: string }) {
  const { t } = useLingui()
  const limit = useServiceInfo()?.viewer.guest?.messageLimit ?? 0
  return (
    <Notice
      role="status"
      tone="info"
      actions={
        text !== '' && (
          <Button onClick={() => void copyText(text)}>
            <Trans>Copy my text</Trans>
          </Button>
        )
      }
    >
      <p className="font-medium">
        {t`Guests of this installation have ${plural(limit, { one: '# message', other: '# messages' })}, and yours are used up.`}
      </p>
      <p className="text-ink-2">
        <Trans>Your conversations stay here to read and copy. What you typed is kept.</Trans>
      </p>
    </Notice>
  )
}
