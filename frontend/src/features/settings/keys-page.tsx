import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { KeyRound } from 'lucide-react'
import { useCallback, useRef, useState } from 'react'
import { useQuery } from 'urql'
import { ConfirmedButton } from '@/components/page/confirmed-button'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { day } from '@/components/page/moments'
import { Section } from '@/components/page/section'
import { Button } from '@/components/ui/button'
import { useRefresh } from '@/components/page/use-refresh'
import { unmask } from '@/gql/fragment-masking'
import {
  type SettingsKeyFragment,
  SettingsKeyFragmentDoc,
  SettingsKeyRevokeAllDocument,
  SettingsKeyRevokeDocument,
  SettingsKeysDocument,
} from '@/gql/graphql'
import { useNow } from '@/lib/clock'
import { creditsText, shortNumber } from '@/lib/credits'
import { type Outcome, toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { showToast } from '@/lib/toasts'
import { isKept, KeyEdit } from './key-edit'
import { KeyForm } from './key-form'

/** Milliseconds between two looks at the list. */
const every = 30_000

interface KeysPageProps {
  /** What went wrong on the way to the provider and back. */
  error?: string | null
}

/** The keys with which programs act for the account: make one, see what each may do, end it. */
export function KeysPage({ error: returned = null }: KeysPageProps) {
  const [{ data, error, fetching }, execute] = useQuery({ query: SettingsKeysDocument, requestPolicy: 'cache-and-network' })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const keys = data?.viewer.apiKeys.map((key) => unmask(SettingsKeyFragmentDoc, key))
  if (!keys) return error && !fetching ? <LoadFailed onRetry={retry} /> : <Loading />
  return <Keys keys={keys} error={returned} onChanged={retry} />
}

interface KeysProps {
  keys: readonly SettingsKeyFragment[]
  error: string | null
  onChanged(): void
}

function Keys({ keys, error, onChanged }: KeysProps) {
  const { t } = useLingui()
  const now = useNow()
  const revoke = useMutationAct(SettingsKeyRevokeDocument, (data) => data.apiKeyRevoke)
  const revokeAll = useMutationAct(SettingsKeyRevokeAllDocument, (data) => data.apiKeyRevokeAll)
  const [busy, setBusy] = useState(false)
  const list = useRef<HTMLDivElement>(null)
  const good = keys.filter((key) => key.revokedAt === null && Date.parse(key.expiresAt) > now)
  const over = keys.filter((key) => !good.includes(key))

  const end = async (count: number, run: () => Promise<Outcome<unknown>>) => {
    setBusy(true)
    const outcome = await run()
    setBusy(false)
    toastOutcome(outcome)
    onChanged()
    if (outcome.kind !== 'done') return
    // Where it was asked for is gone.
    list.current?.focus()
    showToast({ text: plural(count, { one: '# key was revoked.', other: '# keys were revoked.' }), tone: 'plain' })
  }

  return (
    <>
      <Section
        title={t`New key`}
        note={t`With a key a program acts for you: it sends it as a bearer token, and what it does is paid from your balance.`}
      >
        <KeyForm error={error} onMade={onChanged} />
      </Section>
      <Section title={t`Your keys`}>
        <div ref={list} role="group" tabIndex={-1} aria-label={t`Your keys`} className="outline-none">
          {good.length === 0 ? (
            <p className="text-sm text-ink-3">
              <Trans>No key is good now.</Trans>
            </p>
          ) : (
            <>
              <ul className="divide-y divide-line">
                {good.map((key) => (
                  <KeyRow
                    key={key.id}
                    of={key}
                    busy={busy}
                    onChanged={onChanged}
                    onRevoke={() => void end(1, () => revoke({ input: { apiKeyId: key.id } }))}
                  />
                ))}
              </ul>
              <div className="mt-5 flex justify-end border-t border-line pt-5">
                <ConfirmedButton
                  label={t`Revoke all keys`}
                  question={<Trans>Every program that uses one stops at once.</Trans>}
                  disabled={busy}
                  onConfirm={() => void end(good.length, () => revokeAll({ input: {} }))}
                />
              </div>
            </>
          )}
        </div>
      </Section>
      {over.length > 0 && (
        <Section title={t`Keys that are over`}>
          <ul className="divide-y divide-line">
            {over.map((key) => (
              <KeyRow key={key.id} of={key} busy={busy} />
            ))}
          </ul>
        </Section>
      )}
    </>
  )
}

interface KeyRowProps {
  of: SettingsKeyFragment
  busy: boolean
  /** Missing where the key is over, as is the next. */
  onChanged?: () => void
  onRevoke?: () => void
}

function KeyRow({ of: key, busy, onChanged, onRevoke }: KeyRowProps) {
  const { t } = useLingui()
  const [editing, setEditing] = useState(() => onChanged !== undefined && isKept(key.id))
  const opener = useRef<HTMLButtonElement>(null)
  const close = () => {
    setEditing(false)
    opener.current?.focus()
  }
  const name = key.name
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 py-4">
      <span className="mt-0.5 text-ink-3" aria-hidden="true">
        <KeyRound size={18} />
      </span>
      <div className="min-w-0 flex-1 basis-56">
        <p className="text-sm font-medium break-words">
          {name} <code className="ml-1 font-mono text-xs font-normal text-ink-3">k2_live_…{key.lastFour}</code>
        </p>
        <p className="mt-0.5 font-mono text-xs text-ink-2">{key.scopes.join(' ')}</p>
        <p className="mt-0.5 text-xs text-ink-3">
          <Life of={key} />
          {' · '}
          <Spending of={key} />
          <Rates of={key} />
        </p>
      </div>
      {onChanged && (
        <Button
          ref={opener}
          look="quiet"
          aria-label={t`Change ${name}`}
          aria-expanded={editing}
          onClick={() => (editing ? close() : setEditing(true))}
        >
          <Trans>Change</Trans>
        </Button>
      )}
      {onRevoke && (
        <ConfirmedButton
          label={t`Revoke`}
          description={t`Revoke ${name}`}
          question={<Trans>It stops at once and for ever.</Trans>}
          disabled={busy}
          onConfirm={onRevoke}
        />
      )}
      {editing && onChanged && <KeyEdit of={key} onChanged={onChanged} onClose={close} />}
    </li>
  )
}

function Life({ of: key }: { of: SettingsKeyFragment }) {
  const made = day(key.createdAt)
  const ends = day(key.expiresAt)
  if (key.revokedAt !== null) {
    const revoked = day(key.revokedAt)
    return (
      <Trans>
        made {made}, revoked {revoked}
      </Trans>
    )
  }
  if (key.lastUsedAt === null) {
    return (
      <Trans>
        made {made}, never used, ends {ends}
      </Trans>
    )
  }
  const used = day(key.lastUsedAt)
  return (
    <Trans>
      last used {used}, ends {ends}
    </Trans>
  )
}

/** The key's own limits, where it has any. */
function Rates({ of: { requestsPerMinute, tokensPerMinute } }: { of: SettingsKeyFragment }) {
  const requests = shortNumber(requestsPerMinute ?? 0)
  const tokens = shortNumber(tokensPerMinute ?? 0)
  return (
    <>
      {requestsPerMinute !== null && (
        <>
          {' · '}
          {plural(requestsPerMinute, { one: `${requests} request a minute`, other: `${requests} requests a minute` })}
        </>
      )}
      {tokensPerMinute !== null && (
        <>
          {' · '}
          {plural(tokensPerMinute, { one: `${tokens} token a minute`, other: `${tokens} tokens a minute` })}
        </>
      )}
    </>
  )
}

function Spending({ of: key }: { of: SettingsKeyFragment }) {
  const spent = creditsText(key.spent)
  if (key.creditLimit === null) return plural(Number(key.spent), { one: `${spent} credit spent`, other: `${spent} credits spent` })
  const limit = creditsText(key.creditLimit)
  return plural(Number(key.creditLimit), { one: `${spent} of ${limit} credit spent`, other: `${spent} of ${limit} credits spent` })
}
