import { Trans, useLingui } from '@lingui/react/macro'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { OperatorMailRetryDocument } from '@/gql/graphql'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { MailRow } from './mail-row'
import { useOutbox } from './use-outbox'

/** Every mail that this installation has written: where it stands, what it says, and another try for what failed. */
export function Outbox() {
  const { t } = useLingui()
  const { state, mails, mailServer, hasMore, loadMore, refresh } = useOutbox()
  const retry = useMutationAct(OperatorMailRetryDocument, (data) => data.mailRetry)
  const again = async (id: string) => {
    toastOutcome(await retry({ input: { mailId: id } }))
    refresh()
  }
  if (state === 'loading') {
    return (
      <div className="late space-y-3" aria-hidden="true">
        <div className="shade h-14" />
        <div className="shade h-14" />
        <div className="shade h-14" />
      </div>
    )
  }
  if (state === 'failed') {
    return (
      <Notice
        role="alert"
        actions={
          <Button onClick={refresh}>
            <Trans>Try again</Trans>
          </Button>
        }
      >
        <Trans>The mails can’t be loaded now.</Trans>
      </Notice>
    )
  }
  return (
    <>
      {!mailServer && (
        <Notice tone="info">
          <Trans>
            No mail server is set, so mails are kept here for you to read and pass on. Start the server with{' '}
            <code className="font-mono text-xs">SMTP_URL</code> and <code className="font-mono text-xs">MAIL_FROM</code> to send
            them.
          </Trans>
        </Notice>
      )}
      {mails.length === 0 ? (
        <p className="mt-6 text-sm text-ink-3">
          <Trans>No mail has been written yet. Mails about accounts and their security will be listed here.</Trans>
        </p>
      ) : (
        <ul aria-label={t`Mails`} className="mt-4 divide-y divide-line">
          {mails.map((mail) => (
            <MailRow key={mail.id} mail={mail} onRetry={() => again(mail.id)} />
          ))}
        </ul>
      )}
      {hasMore && (
        <Button onClick={loadMore} className="mt-4">
          <Trans>Show older mails</Trans>
        </Button>
      )}
    </>
  )
}
