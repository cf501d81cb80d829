import { Trans, useLingui } from '@lingui/react/macro'
import { useId, useState } from 'react'
import { timeOfDay } from '@/components/page/moments'
import { wantsProof } from '@/components/page/refusal-words'
import { Button } from '@/components/ui/button'
import { DeveloperKeyCreateDocument } from '@/gql/graphql'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { useStore } from '@/lib/store'
import { session } from './session'

const hour = 60 * 60 * 1000

interface KeyChoiceProps {
  hasAccount: boolean
  /** Called when one has to show first who he is. */
  onProof(): void
}

/** The key that asks: pasted, or made here for an hour. It is kept nowhere. */
export function KeyChoice({ hasAccount, onProof }: KeyChoiceProps) {
  const { t } = useLingui()
  const id = useId()
  const { apiKey, keyUntil } = useStore(session)
  const create = useMutationAct(DeveloperKeyCreateDocument, (data) => data.apiKeyCreate)
  const [busy, setBusy] = useState(false)
  const make = async () => {
    setBusy(true)
    const until = Date.now() + hour
    const scopes = ['chat:write', 'models:read', 'usage:read']
    const outcome = await create({ input: { name: t`Playground`, scopes, expiresAt: new Date(until).toISOString() } })
    setBusy(false)
    if (wantsProof(outcome)) {
      onProof()
      return
    }
    toastOutcome(outcome)
    const secret = outcome.kind === 'done' ? outcome.payload.secret : null
    if (secret !== null) session.update((before) => ({ ...before, apiKey: secret, keyUntil: until }))
  }
  return (
    <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
      <input
        type="password"
        autoComplete="off"
        spellCheck={false}
        data-1p-ignore
        value={apiKey}
        onChange={(event) => session.update((before) => ({ ...before, apiKey: event.target.value.trim(), keyUntil: null }))}
        aria-label={t`API key`}
        aria-describedby={id}
        placeholder="k2_live_…"
        className="h-9 w-52 min-w-0 rounded-control border border-control bg-surface px-2.5 font-mono text-sm placeholder:text-ink-3 touch:h-11"
      />
      {hasAccount && apiKey === '' && (
        <Button disabled={busy} onClick={() => void make()}>
          <Trans>Make one for an hour</Trans>
        </Button>
      )}
      <span id={id} className="text-xs text-ink-3">
        {keyUntil === null ? (
          <Trans>Forgotten with the page.</Trans>
        ) : (
          <Trans>Good until {timeOfDay(new Date(keyUntil).toISOString())}, and forgotten with the page.</Trans>
        )}
      </span>
    </div>
  )
}
