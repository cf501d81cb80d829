import { Trans } from '@lingui/react/macro'
import { useCallback } from 'react'
import { useQuery } from 'urql'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { Notice } from '@/components/ui/notice'
import { DeletionSubjectDocument } from '@/gql/graphql'
import { DeleteAccount } from './delete-account'
import { DeleteConversations } from './delete-conversations'

interface DataPageProps {
  /** Why a way to a provider ended without its aim. */
  error: string | null
  /** Called with the deletion's ticket when the account is going; nothing of it may stay in this browser. */
  onDeleted(ticket: string): void
}

/** What somebody can delete of what is kept here: all conversations, or everything. */
export function DataPage({ error, onDeleted }: DataPageProps) {
  const [{ data, error: failed, fetching }, execute] = useQuery({
    query: DeletionSubjectDocument,
    requestPolicy: 'cache-and-network',
  })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  if (!data) return failed && !fetching ? <LoadFailed onRetry={retry} /> : <Loading rows={4} />
  const { id, account } = data.viewer
  if (id === null) {
    return (
      <Notice role="status">
        <Trans>Nothing is kept of you yet: that begins with your first message.</Trans>
      </Notice>
    )
  }
  return (
    <>
      <DeleteConversations />
      <DeleteAccount
        isAccount={account !== null}
        email={account?.email ?? null}
        linked={account?.identities.map(({ provider }) => provider) ?? []}
        error={error}
        onDeleted={onDeleted}
      />
    </>
  )
}
