import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { Copy, ExternalLink, Link2 } from 'lucide-react'
import { useCallback, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { ConfirmedButton } from '@/components/page/confirmed-button'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { day } from '@/components/page/moments'
import { Section } from '@/components/page/section'
import { Button, IconButton } from '@/components/ui/button'
import { unmask } from '@/gql/fragment-masking'
import { type SharePartsFragment, SharePartsFragmentDoc, ShareRevokeDocument, SharesDocument } from '@/gql/graphql'
import { copyText } from '@/lib/clipboard'
import { useMutationAct } from '@/lib/graphql/act'
import { showToast } from '@/lib/toasts'
import { addressOf } from './link-field'
import { refusalText } from './refusal'

/** The links that open to what the viewer shared, and the way to take them back. */
export function ShareList() {
  const { t } = useLingui()
  const client = useClient()
  const [{ data, error, fetching }, execute] = useQuery({
    query: SharesDocument,
    variables: {},
    requestPolicy: 'cache-and-network',
  })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  const revoke = useRevoke(retry)
  const list = data?.viewer.shares
  const after = list?.pageInfo.hasNextPage ? list.pageInfo.endCursor : null
  return (
    <Section
      title={t`Shared links`}
      note={t`Copies of conversations that whoever has the link can read. Taking one back ends it at once; copies that readers made stay theirs.`}
    >
      {!list && (error && !fetching ? <LoadFailed onRetry={retry} /> : <Loading rows={2} />)}
      {list?.edges.length === 0 && (
        <p className="text-sm text-ink-3">
          <Trans>Nothing is shared. A conversation’s menu has “Share by link”.</Trans>
        </p>
      )}
      {list && list.edges.length > 0 && (
        <ul className="divide-y divide-line overflow-hidden rounded-row border border-line bg-surface">
          {list.edges.map(({ node }) => {
            const share = unmask(SharePartsFragmentDoc, node)
            return <ShareRow key={share.id} share={share} onRevoke={() => void revoke(share.id)} />
          })}
        </ul>
      )}
      {after && (
        <div className="mt-3">
          <Button onClick={() => void client.query(SharesDocument, { after }, { requestPolicy: 'network-only' }).toPromise()}>
            <Trans>Show earlier</Trans>
          </Button>
        </div>
      )}
    </Section>
  )
}

function useRevoke(onRevoked: () => void) {
  const { t } = useLingui()
  const run = useMutationAct(ShareRevokeDocument, (data) => data.shareRevoke)
  const [busy, setBusy] = useState(false)
  return async (shareId: string) => {
    if (busy) return
    setBusy(true)
    const outcome = await run({ input: { shareId } })
    setBusy(false)
    const wrong = refusalText(outcome)
    showToast(wrong ? { text: wrong, tone: 'danger' } : { text: t`The link no longer opens.`, tone: 'plain' })
    onRevoked()
  }
}

function ShareRow({ share, onRevoke }: { share: SharePartsFragment; onRevoke(): void }) {
  const { t } = useLingui()
  const { title, url, conversationId } = share
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3">
      <span className="text-ink-3" aria-hidden="true">
        <Link2 size={18} />
      </span>
      <div className="min-w-0 flex-1 basis-48">
        <p dir="auto" className="truncate text-sm font-medium">
          <Link to="/c/$id" params={{ id: conversationId }} className="hover:underline">
            {title}
          </Link>
        </p>
        <p className="text-xs text-ink-3">
          <Life share={share} />
        </p>
      </div>
      <div className="flex items-center gap-1">
        <IconButton label={t`Copy the link to ${title}`} onClick={() => void copyText(addressOf(url))}>
          <Copy size={15} />
        </IconButton>
        <a
          href={url}
          target="_blank"
          rel="noreferrer"
          aria-label={t`Open the link to ${title}`}
          title={t`Open the link to ${title}`}
          className="inline-grid size-8 shrink-0 place-content-center rounded-control text-ink-2 hover:bg-hover hover:text-ink touch:size-11"
        >
          <ExternalLink size={15} />
        </a>
      </div>
      <ConfirmedButton
        label={t`Take back`}
        description={t`Take the link to ${title} back`}
        question={<Trans>It ends at once.</Trans>}
        onConfirm={onRevoke}
      />
    </li>
  )
}

/** How long a link opens, and what it shows beside the text. */
function Life({ share: { messages, createdAt, expiresAt, named, reasoning } }: { share: SharePartsFragment }) {
  const { t } = useLingui()
  const parts = [
    plural(messages, { one: '# message', other: '# messages' }),
    t`shared ${day(createdAt)}`,
    expiresAt === null ? t`opens until you take it back` : t`opens until ${day(expiresAt)}`,
    ...(named ? [t`with your name`] : []),
    ...(reasoning ? [t`with the model’s thoughts`] : []),
  ]
  return parts.join(' · ')
}
