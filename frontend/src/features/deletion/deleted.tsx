import { Trans, useLingui } from '@lingui/react/macro'
import { Download } from 'lucide-react'
import { useEffect } from 'react'
import { useQuery } from 'urql'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { moment } from '@/components/page/moments'
import { Fact, Facts } from '@/components/page/section'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { unmask } from '@/gql/fragment-masking'
import { DeletionPartsFragmentDoc, type DeletionPartsFragment, DeletionProgressDocument } from '@/gql/graphql'
import { numberText } from '@/lib/credits'
import { groupRows, type RowGroup } from './group-rows'

/** Milliseconds between two looks at a deletion that isn't over. */
const every = 700

/** How far a deletion is and, at its end, its receipt; for whoever has the address, signed out too. */
export function Deleted({ ticket }: { ticket: string }) {
  const [{ data, error, fetching }, execute] = useQuery({
    query: DeletionProgressDocument,
    variables: { ticket },
    requestPolicy: 'network-only',
    pause: ticket === '',
  })
  const deletion = unmask(DeletionPartsFragmentDoc, data?.deletion ?? null)
  const running = deletion?.state === 'RUNNING'
  useEffect(() => {
    if (!running) return
    const timer = setInterval(() => execute({ requestPolicy: 'network-only' }), every)
    return () => clearInterval(timer)
  }, [running, execute])
  if (deletion) return <Shown deletion={deletion} />
  if (ticket !== '' && fetching) return <Loading rows={4} />
  if (error) return <LoadFailed onRetry={() => execute({ requestPolicy: 'network-only' })} />
  return (
    <Notice role="status">
      <Trans>There is no such deletion. The whole address is needed, as it was shown at the beginning.</Trans>
    </Notice>
  )
}

function Shown({ deletion }: { deletion: DeletionPartsFragment }) {
  const { t } = useLingui()
  const { state, id, startedAt, finishedAt, askedElsewhere, receipt, tables } = deletion
  const done = state === 'DONE'
  return (
    <>
      <p role="status" aria-live="polite" className="max-w-prose text-md">
        {done ? (
          <Trans>It is over. Everything that was yours here is deleted.</Trans>
        ) : (
          <Trans>It is being deleted. You are signed out everywhere already; you can close this page.</Trans>
        )}
      </p>
      {askedElsewhere === false && (
        <div className="mt-4">
          <Notice tone="danger">
            <Trans>A payment provider didn’t answer. Whoever runs this service has to have you deleted there by hand.</Trans>
          </Notice>
        </div>
      )}
      <div className="mt-6 rounded-row border border-line bg-surface px-4 py-4">
        <Facts>
          <Fact name={t`Begun`}>{moment(startedAt)}</Fact>
          {finishedAt && <Fact name={t`Over`}>{moment(finishedAt)}</Fact>}
          <Rows groups={groupRows(tables)} />
          <Fact name={t`Receipt`}>
            <code className="font-mono text-xs break-all select-all">{id}</code>
          </Fact>
        </Facts>
      </div>
      {receipt && <Receipt id={id} text={receipt} />}
    </>
  )
}

function Rows({ groups }: { groups: readonly RowGroup[] }) {
  const { t } = useLingui()
  const words: Record<RowGroup['name'], string> = {
    conversations: t`Conversations`,
    messages: t`Messages`,
    sessions: t`Devices`,
    keys: t`API keys`,
    others: t`Other entries`,
  }
  return groups.map(({ name, rows }) => (
    <Fact key={name} name={words[name]}>
      <span className="tabular-nums">{numberText(rows)}</span>
    </Fact>
  ))
}

/** The signed text as a file. */
function Receipt({ id, text }: { id: string; text: string }) {
  const download = () => {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
    link.download = `${id}.json`
    link.click()
    URL.revokeObjectURL(link.href)
  }
  return (
    <div className="mt-6 space-y-3">
      <Button look="primary" onClick={download}>
        <Download size={16} aria-hidden="true" />
        <Trans>Download the receipt</Trans>
      </Button>
      <p className="max-w-prose text-sm text-ink-2">
        <Trans>
          It says when and how much, and names nobody. It is signed: whoever runs this service can tell whether it was changed.
        </Trans>
      </p>
      <p className="max-w-prose text-sm text-ink-2">
        <Trans>If you signed in with Google, GitHub or your company, take your permission for this service back there.</Trans>
      </p>
      <Button look="quiet" onClick={() => location.assign('/')}>
        <Trans>To the start page</Trans>
      </Button>
    </div>
  )
}
