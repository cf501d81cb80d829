import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { useId, useState } from 'react'
import { Button } from '@/components/ui/button'
import type { MailStatus, OperatorMailFragment } from '@/gql/graphql'

interface MailRowProps {
  mail: OperatorMailFragment
  /** Settles when the server has answered. */
  onRetry(): Promise<void>
}

const tones: Record<MailStatus, string> = {
  QUEUED: 'text-ink-2',
  SENT: 'text-ok',
  FAILED: 'text-danger',
  KEPT: 'text-tide',
}

/** One mail: a line, and its text when it is wanted. */
export function MailRow({ mail, onRetry }: MailRowProps) {
  const { t, i18n } = useLingui()
  const id = useId()
  const [open, setOpen] = useState(false)
  const [busy, setBusy] = useState(false)
  const words: Record<MailStatus, string> = {
    QUEUED: t`waiting`,
    SENT: t`sent`,
    FAILED: t`failed`,
    KEPT: t`kept here`,
  }
  const moment = (time: string) => i18n.date(new Date(time), { dateStyle: 'medium', timeStyle: 'short' })
  const again = async () => {
    setBusy(true)
    await onRetry()
    setBusy(false)
  }
  return (
    <li className="py-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <button
          type="button"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
          className="min-h-11 min-w-0 flex-1 basis-64 rounded-control text-left hover:bg-hover"
        >
          <span className="block text-sm font-medium break-words">{mail.subject}</span>
          <span className="block text-xs text-ink-3">
            <bdi className="break-all">{mail.to}</bdi>
            {' · '}
            {moment(mail.createdAt)}
          </span>
        </button>
        <span className={`text-sm ${tones[mail.status]}`}>{words[mail.status]}</span>
        {mail.status === 'FAILED' && (
          <Button disabled={busy} aria-label={t`Try ${mail.subject} again`} onClick={() => void again()}>
            <Trans>Try again</Trans>
          </Button>
        )}
      </div>
      <p className="text-xs text-ink-3">
        {mail.attempts > 0 && plural(mail.attempts, { one: '# attempt', other: '# attempts' })}
        {mail.nextAt && mail.status === 'QUEUED' && (
          <>
            {mail.attempts > 0 && ' · '}
            <Trans>next {moment(mail.nextAt)}</Trans>
          </>
        )}
        {mail.lastError && (
          <>
            {' · '}
            <span lang="en">{mail.lastError}</span>
          </>
        )}
      </p>
      <div id={id} hidden={!open}>
        {open && (
          <pre className="mt-2 max-w-full overflow-x-auto rounded-row bg-sunken px-4 py-3 font-sans text-sm break-words whitespace-pre-wrap">
            {mail.text}
          </pre>
        )}
      </div>
    </li>
  )
}
