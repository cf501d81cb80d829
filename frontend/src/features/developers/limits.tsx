import { Trans, useLingui } from '@lingui/react/macro'
import { useCallback } from 'react'
import { useQuery } from 'urql'
import { Section } from '@/components/page/section'
import { useRefresh } from '@/components/page/use-refresh'
import { DeveloperLimitsDocument, type DeveloperLimitsQuery, type RateLimitName } from '@/gql/graphql'
import { numberText } from '@/lib/credits'

type Limit = DeveloperLimitsQuery['rateLimit']['limits'][number]

/** Milliseconds between two looks. */
const every = 15_000

/** How much may be asked for now, before a 429. Nothing where there are no limits. */
export function Limits() {
  const { t } = useLingui()
  const [{ data }, execute] = useQuery({ query: DeveloperLimitsDocument, requestPolicy: 'network-only' })
  const ask = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(ask, every)
  const limits = data?.rateLimit.limits ?? []
  if (limits.length === 0) return null
  return (
    <Section
      title={t`Limits`}
      note={t`What you may still do on these pages. Keys have limits of their own; each answer tells them in its headers.`}
    >
      <ul className="space-y-3.5">
        {limits.map((limit) => (
          <Bar key={`${limit.scope} ${limit.name}`} limit={limit} />
        ))}
      </ul>
    </Section>
  )
}

function Bar({ limit: { name, scope, limit, remaining } }: { limit: Limit }) {
  const { t } = useLingui()
  const words: Record<RateLimitName, string> = {
    REQUESTS: scope === 'KEY' ? t`Requests a minute` : t`Messages a minute`,
    TOKENS: t`Tokens a minute`,
    STREAMS: t`Answers at once`,
    COST: t`Cost of GraphQL a minute`,
  }
  const part = limit === 0 ? 0 : Math.max(0, Math.min(1, remaining / limit))
  return (
    <li className="text-sm">
      <span className="flex flex-wrap items-baseline justify-between gap-x-3">
        <span className="text-ink-2">{words[name]}</span>
        <span className="tabular-nums">
          <Trans>
            {numberText(remaining)} of {numberText(limit)}
          </Trans>
        </span>
      </span>
      <span aria-hidden="true" className="mt-1.5 block h-1 overflow-hidden rounded-full bg-hover">
        <span className={`block h-full rounded-full ${part < 0.1 ? 'bg-warn' : 'bg-tide'}`} style={{ width: `${100 * part}%` }} />
      </span>
    </li>
  )
}
