import { Trans, useLingui } from '@lingui/react/macro'
import { useCallback, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { Section } from '@/components/page/section'
import { useRefresh } from '@/components/page/use-refresh'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { unmask } from '@/gql/fragment-masking'
import { type OperatorNoticeFragment, OperatorNoticeFragmentDoc, OperatorNoticesDocument } from '@/gql/graphql'
import { NoticeForm } from './notice-form'
import { NoticeRow } from './notice-row'

/** Milliseconds between two looks: mails are written meanwhile. */
const every = 5_000

/** Mails to everybody: new versions of the policy, news, incidents. */
export function Notices() {
  const { t } = useLingui()
  const client = useClient()
  const [{ data, error, fetching }, execute] = useQuery({
    query: OperatorNoticesDocument,
    variables: {},
    requestPolicy: 'cache-and-network',
  })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const [edited, setEdited] = useState<OperatorNoticeFragment | 'new' | null>(null)
  const list = data?.operator.notices
  if (!list) return error && !fetching ? <LoadFailed onRetry={retry} /> : <Loading />
  const after = list.pageInfo.hasNextPage ? list.pageInfo.endCursor : null
  const loadMore = () => void client.query(OperatorNoticesDocument, { after }, { requestPolicy: 'network-only' }).toPromise()
  const notices = list.edges.map(({ node }) => unmask(OperatorNoticeFragmentDoc, node))
  const close = () => {
    setEdited(null)
    retry()
  }
  return (
    <>
      {!data.operator.mailServer && (
        <div className="mb-6">
          <Notice>
            <Trans>No mail server is set: mails are written, and kept in the outbox to be read.</Trans>
          </Notice>
        </div>
      )}
      <Section
        title={t`Write to everybody`}
        note={t`News goes to those accounts alone that agreed to it, with a link that ends it. An incident goes to every account with an address. Of a new version of the privacy policy everybody is told by itself.`}
      >
        {edited ? (
          <NoticeForm key={edited === 'new' ? 'new' : edited.id} notice={edited === 'new' ? null : edited} onClose={close} />
        ) : (
          <Button look="primary" onClick={() => setEdited('new')}>
            <Trans>Write a mail …</Trans>
          </Button>
        )}
      </Section>
      <Section title={t`Drafts and mails`}>
        {notices.length === 0 ? (
          <p className="text-sm text-ink-3">
            <Trans>Nothing was written to everybody yet.</Trans>
          </p>
        ) : (
          <ul className="divide-y divide-line">
            {notices.map((notice) => (
              <NoticeRow key={notice.id} notice={notice} onEdit={() => setEdited(notice)} onChanged={retry} />
            ))}
          </ul>
        )}
        {after && (
          <Button onClick={loadMore} className="mt-4">
            <Trans>Show earlier</Trans>
          </Button>
        )}
      </Section>
    </>
  )
}
