import { Trans, useLingui } from '@lingui/react/macro'
import { plural } from '@lingui/core/macro'
import { Laptop, Smartphone, Tablet } from 'lucide-react'
import { useCallback, useState } from 'react'
import { useQuery } from 'urql'
import {
  SettingsSessionRevokeDocument,
  SettingsSessionRevokeOthersDocument,
  SettingsSessionsDocument,
  type SettingsSessionsQuery,
} from '@/gql/graphql'
import { useNow } from '@/lib/clock'
import { type Outcome, toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { useServiceInfo } from '@/lib/service-info'
import { showToast } from '@/lib/toasts'
import { ConfirmedButton } from '@/components/page/confirmed-button'
import { deviceWords } from './device-words'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { ago, moment } from '@/components/page/moments'
import { providerName } from '@/components/page/provider-name'
import { Section } from '@/components/page/section'
import { useRefresh } from '@/components/page/use-refresh'

type Session = SettingsSessionsQuery['viewer']['sessions'][number]

/** Milliseconds between two looks at the list. */
const every = 10_000

/** The devices that are signed in, and the way to put them out. */
export function SessionsPage() {
  const [{ data, error, fetching }, execute] = useQuery({ query: SettingsSessionsDocument, requestPolicy: 'cache-and-network' })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const now = useNow()
  const sessions = data?.viewer.sessions
  if (!sessions) return error && !fetching ? <LoadFailed onRetry={retry} /> : <Loading />
  return <Sessions sessions={sessions} now={now} onChanged={retry} />
}

interface SessionsProps {
  sessions: readonly Session[]
  /** The time of day, in milliseconds. */
  now: number
  onChanged(): void
}

function Sessions({ sessions, now, onChanged }: SessionsProps) {
  const { t } = useLingui()
  const revoke = useMutationAct(SettingsSessionRevokeDocument, (data) => data.sessionRevoke)
  const revokeOthers = useMutationAct(SettingsSessionRevokeOthersDocument, (data) => data.sessionRevokeOthers)
  const [ending, setEnding] = useState<readonly string[]>([])
  const others = sessions.filter(({ current }) => !current)

  const end = async (ids: readonly string[], run: () => Promise<Outcome<unknown>>) => {
    setEnding(ids)
    const outcome = await run()
    setEnding([])
    toastOutcome(outcome)
    onChanged()
    if (outcome.kind !== 'done') return
    showToast({ text: plural(ids.length, { one: '# device was signed out.', other: '# devices were signed out.' }), tone: 'plain' })
  }
  const endOne = (id: string) => void end([id], () => revoke({ input: { sessionId: id } }))
  const endOthers = () =>
    void end(
      others.map(({ id }) => id),
      () => revokeOthers({ input: {} }),
    )

  return (
    <Section
      title={t`Signed-in devices`}
      note={t`Only the sort of device, system and browser are kept: no addresses, no places. A device that isn’t used for 7 days is signed out.`}
    >
      <ul className="divide-y divide-line">
        {sessions.map((session) => (
          <SessionRow
            key={session.id}
            session={session}
            now={now}
            ending={ending.includes(session.id)}
            onEnd={() => endOne(session.id)}
          />
        ))}
      </ul>
      <div className="mt-5 flex justify-end border-t border-line pt-5">
        {others.length > 0 ? (
          <ConfirmedButton
            label={t`Sign out all other devices`}
            question={<Trans>They are out at once, with everything that they have open.</Trans>}
            disabled={ending.length > 0}
            onConfirm={endOthers}
          />
        ) : (
          <p className="w-full text-sm text-ink-3">
            <Trans>No other device is signed in.</Trans>
          </p>
        )}
      </div>
    </Section>
  )
}

interface SessionRowProps {
  session: Session
  /** The time of day, in milliseconds. */
  now: number
  ending: boolean
  onEnd(): void
}

function SessionRow({ session, now, ending, onEnd }: SessionRowProps) {
  const { t } = useLingui()
  const known = useServiceInfo()?.providers ?? []
  const device = deviceWords(session)
  const way = providerName(session.method, known)
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 py-4">
      <span className="text-ink-3" aria-hidden="true">
        <DeviceIcon type={session.deviceType} />
      </span>
      <div className="min-w-0 flex-1 basis-56">
        <p className="text-sm font-medium">
          {device}
          {session.current && (
            <span className="ml-2 rounded-control bg-tide-soft px-1.5 py-0.5 text-xs font-normal text-tide">
              <Trans>This device</Trans>
            </span>
          )}
        </p>
        <p className="mt-0.5 text-xs text-ink-3">
          <span title={moment(session.lastSeenAt)}>{ago(session.lastSeenAt, now)}</span>
          {' · '}
          <Trans>
            signed in with {way}, {moment(session.createdAt)}
          </Trans>
        </p>
      </div>
      {!session.current && (
        <ConfirmedButton
          label={ending ? t`Signing out…` : t`Sign out`}
          description={t`Sign out ${device}`}
          question={<Trans>It is out at once.</Trans>}
          disabled={ending}
          onConfirm={onEnd}
        />
      )}
    </li>
  )
}

function DeviceIcon({ type }: { type: string }) {
  if (type === 'phone') return <Smartphone size={20} />
  if (type === 'tablet') return <Tablet size={20} />
  return <Laptop size={20} />
}
