import { Trans, useLingui } from '@lingui/react/macro'
import { Bot, CircleUser, Landmark, Server } from 'lucide-react'
import { useCallback, useMemo, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { Button } from '@/components/ui/button'
import { actWords } from '@/components/page/act-words'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { day, timeOfDay } from '@/components/page/moments'
import { providerName } from '@/components/page/provider-name'
import { Section } from '@/components/page/section'
import { useRefresh } from '@/components/page/use-refresh'
import { type AuditActor, SettingsActivityDocument, type SettingsActivityQuery } from '@/gql/graphql'
import { creditsText } from '@/lib/credits'
import { useServiceInfo } from '@/lib/service-info'
import { byDay } from './activity-days'
import { deviceWords } from './device-words'
import { consentWords } from './names'

type Act = SettingsActivityQuery['viewer']['accessLog']['edges'][number]['node']

/** Milliseconds between two looks at the list. */
const every = 15_000

/** What was done with what is one's own, and by whom. */
export function ActivityPage() {
  const { t } = useLingui()
  const client = useClient()
  const [{ data, error, fetching }, execute] = useQuery({
    query: SettingsActivityDocument,
    variables: {},
    requestPolicy: 'cache-and-network',
  })
  const [loading, setLoading] = useState(false)
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const log = data?.viewer.accessLog
  const days = useMemo(() => byDay((log?.edges ?? []).map(({ node }) => node)), [log])
  if (!log) return error && !fetching ? <LoadFailed onRetry={retry} /> : <Loading />
  const after = log.pageInfo.hasNextPage ? log.pageInfo.endCursor : null
  const loadMore = async () => {
    setLoading(true)
    await client.query(SettingsActivityDocument, { after }, { requestPolicy: 'network-only' }).toPromise()
    setLoading(false)
  }
  return (
    <Section
      title={t`What was done, and by whom`}
      note={t`Sign-ins, keys, choices, and whatever the operator did that concerns you. It is never changed, and holds nothing that you wrote.`}
    >
      {days.length === 0 && (
        <p className="text-sm text-ink-3">
          <Trans>Nothing has happened yet.</Trans>
        </p>
      )}
      {days.map(({ at, rows }) => (
        <section key={at} aria-label={day(at)} className="mb-6">
          <h3 className="mb-1 text-xs font-medium text-ink-3">{day(at)}</h3>
          <ul className="divide-y divide-line">
            {rows.map((act) => (
              <ActRow key={act.id} act={act} />
            ))}
          </ul>
        </section>
      ))}
      {after && (
        <Button onClick={() => void loadMore()} disabled={loading}>
          <Trans>Show earlier</Trans>
        </Button>
      )}
    </Section>
  )
}

function ActRow({ act }: { act: Act }) {
  const about = useAbout(act)
  return (
    <li className="flex items-baseline gap-x-4 py-2.5">
      <span className="self-center text-ink-3" aria-hidden="true">
        {icons[act.actor]}
      </span>
      <div className="min-w-0 flex-1">
        <p className="text-sm font-medium break-words">
          {actWords(act.act)}
          {about && <span className="font-normal text-ink-2"> · {about}</span>}
        </p>
        <p className="mt-0.5 text-xs break-words text-ink-3">{useActor(act)}</p>
      </div>
      <time dateTime={act.at} className="shrink-0 text-xs text-ink-3 tabular-nums">
        {timeOfDay(act.at)}
      </time>
    </li>
  )
}

const icons: Record<AuditActor, React.ReactNode> = {
  OWNER: <CircleUser size={18} />,
  API_KEY: <Bot size={18} />,
  OPERATOR: <Landmark size={18} />,
  SYSTEM: <Server size={18} />,
}

/** What the act was about. */
function useAbout({ key, provider, consent, policyVersion, credits }: Act): string {
  const known = useServiceInfo()?.providers ?? []
  if (key) return `${key.name} …${key.lastFour}`
  if (provider) return providerName(provider, known)
  if (consent) return consentWords(consent).title
  if (credits) return creditsText(credits)
  return policyVersion ?? ''
}

/** Who did it. */
function useActor({ actor, actorKey, session }: Act): string {
  const { t } = useLingui()
  if (actor === 'OPERATOR') return t`The operator`
  if (actor === 'SYSTEM') return t`The system`
  const key = actorKey?.name
  if (actor === 'API_KEY') return key ? t`A program with the key ${key}` : t`A program with an API key`
  const device = session && deviceWords(session)
  return device ? t`You, ${device}` : t`You`
}
