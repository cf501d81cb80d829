import { Trans, useLingui } from '@lingui/react/macro'
import { useCallback, useMemo, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { actWords, auditActs } from '@/components/page/act-words'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { moment } from '@/components/page/moments'
import { useRefresh } from '@/components/page/use-refresh'
import { Button } from '@/components/ui/button'
import { type AuditAct, type AuditActor, OperatorAuditDocument, type OperatorAuditQuery } from '@/gql/graphql'

type Act = OperatorAuditQuery['operator']['audit']['edges'][number]['node']

/** Milliseconds between two looks at the list. */
const every = 15_000

const field = 'h-8 w-full rounded-control border border-control bg-surface px-2 text-sm text-ink touch:h-11'

/** The beginning of a day of this place, `days` later. */
function midnight(date: string, days = 0): string | undefined {
  const [year, month, day] = date.split('-').map(Number)
  return year && month && day ? new Date(year, month - 1, day + days).toISOString() : undefined
}

/** Everything that was done on this installation, without anybody's content. */
export function Audit() {
  const { t } = useLingui()
  const client = useClient()
  const [act, setAct] = useState<AuditAct | ''>('')
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const variables = useMemo(
    () => ({ filter: { acts: act ? [act] : undefined, from: midnight(from), to: midnight(to, 1) } }),
    [act, from, to],
  )
  const [{ data, error, fetching }, execute] = useQuery({
    query: OperatorAuditDocument,
    variables,
    requestPolicy: 'cache-and-network',
  })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const log = data?.operator.audit
  const after = log?.pageInfo.hasNextPage ? log.pageInfo.endCursor : null
  const loadMore = () =>
    void client.query(OperatorAuditDocument, { ...variables, after }, { requestPolicy: 'network-only' }).toPromise()
  return (
    <>
      <div role="search" aria-label={t`Filter what was done`} className="no-print mb-6 grid gap-3 sm:grid-cols-3">
        <label className="text-xs text-ink-3">
          <Trans>Act</Trans>
          <select value={act} onChange={(event) => setAct(event.target.value as AuditAct | '')} className={field}>
            <option value="">{t`All acts`}</option>
            {auditActs.map((one) => (
              <option key={one} value={one}>
                {actWords(one)}
              </option>
            ))}
          </select>
        </label>
        <label className="text-xs text-ink-3">
          <Trans>From</Trans>
          <input
            type="date"
            value={from}
            max={to || undefined}
            onChange={(event) => setFrom(event.target.value)}
            className={field}
          />
        </label>
        <label className="text-xs text-ink-3">
          <Trans>To</Trans>
          <input type="date" value={to} min={from || undefined} onChange={(event) => setTo(event.target.value)} className={field} />
        </label>
      </div>
      {!log && (error && !fetching ? <LoadFailed onRetry={retry} /> : <Loading />)}
      {log?.edges.length === 0 && (
        <p className="text-sm text-ink-3">
          <Trans>Nothing of this sort was done.</Trans>
        </p>
      )}
      {log && log.edges.length > 0 && (
        <ul aria-label={t`What was done`} className="divide-y divide-line">
          {log.edges.map(({ node }) => (
            <ActRow key={node.id} act={node} />
          ))}
        </ul>
      )}
      {after && (
        <Button onClick={loadMore} className="mt-4">
          <Trans>Show earlier</Trans>
        </Button>
      )}
    </>
  )
}

function ActRow({ act }: { act: Act }) {
  const { t } = useLingui()
  const actors: Record<AuditActor, string> = {
    OWNER: t`its owner`,
    API_KEY: t`an API key`,
    OPERATOR: t`the operator`,
    SYSTEM: t`the system`,
  }
  const { provider, consent, policyVersion, credits, outcome, ref, count } = act
  const actor = actors[act.actor]
  const facts = [provider, consent, policyVersion, credits, outcome, ref, count > 0 ? String(count) : ''].filter(Boolean)
  return (
    <li className="py-2.5 text-sm">
      <div className="flex flex-wrap items-baseline gap-x-3">
        <span className="font-medium">{actWords(act.act)}</span>
        <span className="text-ink-2">
          <Trans>by {actor}</Trans>
        </span>
        <time dateTime={act.at} className="ml-auto text-xs text-ink-3 tabular-nums">
          {moment(act.at)}
        </time>
      </div>
      <p className="mt-0.5 font-mono text-xs break-all text-ink-3">
        {act.place ? `#${act.place}` : t`not chained yet`}
        {act.ownerId && ` · ${act.ownerId}`}
        {act.actorId && act.actorId !== act.ownerId && ` · ${t`acted`}: ${act.actorId}`}
        {facts.length > 0 && ` · ${facts.join(' · ')}`}
      </p>
    </li>
  )
}
