import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { Link, useLocation } from '@tanstack/react-router'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { copyText } from '@/lib/clipboard'
import { useServiceInfo } from '@/lib/service-info'

const signInLink =
  'inline-flex min-h-8 items-center rounded-control bg-tide px-3 text-sm font-medium text-on-tide hover:opacity-90 touch:min-h-11'

/** Said calmly at the limit: what is over, and what still works. */
export function GuestLimitPanel({ text }: { text: string }) {
  const { t } = useLingui()
  const pathname = useLocation({ select: (location) => location.pathname })
  const limit = useServiceInfo()?.viewer.guest?.messageLimit ?? 0
  return (
    <Notice
      role="status"
      tone="info"
      actions={
        <>
          {text !== '' && (
            <Button look="quiet" onClick={() => void copyText(text)}>
              <Trans>Copy my text</Trans>
            </Button>
          )}
          <Link to="/sign-in" search={{ return: pathname }} className={signInLink}>
            <Trans>Sign in to go on</Trans>
          </Link>
        </>
      }
    >
      <p className="font-medium">
        {t`Guests of this installation have ${plural(limit, { one: '# message', other: '# messages' })}, and yours are used up.`}
      </p>
      <p className="text-ink-2">
        <Trans>Sign in and go on without this limit: your conversations come with you, and what you typed is kept.</Trans>
      </p>
    </Notice>
  )
}

/** Said politely to somebody who may not send: what was typed stays where it is. */
export function AgeRefusedPanel() {
  return (
    <Notice role="status" tone="info">
      <p className="font-medium">
        <Trans>You can’t send messages here yet.</Trans>
      </p>
      <p className="text-ink-2">
        <Trans>
          Nothing about you was stored. What you typed stays in this browser. The reason stands in the{' '}
          <Link to="/privacy" className="underline underline-offset-3">
            privacy policy
          </Link>
          .
        </Trans>
      </p>
    </Notice>
  )
}
