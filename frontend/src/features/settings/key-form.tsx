import { Trans, useLingui } from '@lingui/react/macro'
import { Check, Copy } from 'lucide-react'
import { type SyntheticEvent, useEffect, useId, useRef, useState } from 'react'
import { Choice, type Option } from '@/components/page/choice'
import { KeyProof } from '@/components/page/key-proof'
import { returnedText, sortRefusals, wantsProof } from '@/components/page/refusal-words'
import { TextField } from '@/components/page/text-field'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { SettingsKeyCreateDocument } from '@/gql/graphql'
import { copyText } from '@/lib/clipboard'
import { useMutationAct } from '@/lib/graphql/act'
import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { typedCredits, wholeNumber } from '@/lib/typed-numbers'

const formName = 'key'
const fields = ['name', 'scopes', 'expiresAt', 'creditLimit', 'requestsPerMinute', 'tokensPerMinute'] as const
const scopes = ['chat:write', 'models:read', 'usage:read', 'conversations:read'] as const
type Scope = (typeof scopes)[number]

/** How many days a key may be good for. */
const days = ['30', '90', '365'] as const
type Days = (typeof days)[number]

const dayMs = 24 * 60 * 60 * 1000

interface KeyFormProps {
  /** What went wrong on the way to the provider and back. */
  error: string | null
  onMade(): void
}

/** What makes a key, and shows it the one time that it can be seen. */
export function KeyForm({ error, onMade }: KeyFormProps) {
  const { t } = useLingui()
  const create = useMutationAct(SettingsKeyCreateDocument, (data) => data.apiKeyCreate)
  const [kept] = useState(() => readForm(formName))
  useEffect(forgetForm, [])
  const [returned, setReturned] = useState(
    kept && !error ? t`You’re confirmed. What you typed is still here: go on now.` : returnedText(error),
  )
  const [name, setName] = useState(kept?.name ?? '')
  const [granted, setGranted] = useState<ReadonlySet<Scope>>(() => {
    const chosen = kept?.scopes?.split(' ') ?? ['chat:write', 'models:read', 'usage:read']
    return new Set(scopes.filter((scope) => chosen.includes(scope)))
  })
  const [life, setLife] = useState<Days>(days.find((count) => count === kept?.life) ?? '365')
  const [limit, setLimit] = useState(kept?.limit ?? '')
  const [rate, setRate] = useState({
    requestsPerMinute: kept?.requestsPerMinute ?? '',
    tokensPerMinute: kept?.tokensPerMinute ?? '',
  })
  const [busy, setBusy] = useState(false)
  const [proving, setProving] = useState(false)
  const [secret, setSecret] = useState<string | null>(null)
  const [faults, setFaults] = useState<ReturnType<typeof sortRefusals<(typeof fields)[number]>>>({ byField: {}, whole: null })

  const submit = async (event: SyntheticEvent) => {
    event.preventDefault()
    if (busy) return
    const creditLimit = typedCredits(limit)
    if (limit.trim() !== '' && creditLimit === null) {
      setFaults({ byField: { creditLimit: t`Write a number of credits, for example 1000 or 0.5, or nothing.` }, whole: null })
      return
    }
    const [requestsPerMinute, tokensPerMinute] = [wholeNumber(rate.requestsPerMinute), wholeNumber(rate.tokensPerMinute)]
    if (requestsPerMinute === undefined || tokensPerMinute === undefined) {
      const words = t`Write a whole number, or nothing.`
      const byField = {
        ...(requestsPerMinute === undefined ? { requestsPerMinute: words } : {}),
        ...(tokensPerMinute === undefined ? { tokensPerMinute: words } : {}),
      }
      setFaults({ byField, whole: null })
      return
    }
    setBusy(true)
    const outcome = await create({
      input: {
        name,
        scopes: scopes.filter((scope) => granted.has(scope)),
        expiresAt: new Date(Date.now() + Number(life) * dayMs).toISOString(),
        ...(creditLimit === null ? {} : { creditLimit }),
        ...(requestsPerMinute === null ? {} : { requestsPerMinute }),
        ...(tokensPerMinute === null ? {} : { tokensPerMinute }),
      },
    })
    setBusy(false)
    setReturned(null)
    setProving(wantsProof(outcome))
    if (wantsProof(outcome)) {
      setFaults({ byField: {}, whole: null })
      return
    }
    const tooMany = outcome.kind === 'refused' && outcome.refusals[0].code === 'CONFLICT'
    setFaults(
      tooMany ? { byField: {}, whole: t`You have as many keys as there may be. Revoke one first.` } : sortRefusals(outcome, fields),
    )
    if (outcome.kind !== 'done') return
    setSecret(outcome.payload.secret)
    setName('')
    setLimit('')
    setRate({ requestsPerMinute: '', tokensPerMinute: '' })
    onMade()
  }

  if (secret !== null) return <Made secret={secret} onDone={() => setSecret(null)} />
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="space-y-5">
      {returned && (
        <Notice tone={error ? 'danger' : 'info'} role="status">
          {returned}
        </Notice>
      )}
      <TextField
        label={t`What the key is for`}
        autoComplete="off"
        maxLength={100}
        value={name}
        onChange={setName}
        error={faults.byField.name}
      />
      <Scopes granted={granted} error={faults.byField.scopes} onChange={setGranted} />
      <Choice<Days>
        title={t`How long it is good`}
        value={life}
        options={days.map((count): Option<Days> => ({ value: count, label: t`${count} days` }))}
        onChoose={setLife}
      />
      <TextField
        label={t`How much it may spend`}
        note={t`In credits, in all. Nothing: as much as your balance.`}
        inputMode="decimal"
        autoComplete="off"
        maxLength={24}
        value={limit}
        onChange={setLimit}
        error={faults.byField.creditLimit}
      />
      <div className="grid max-w-md gap-x-4 gap-y-5 sm:grid-cols-2">
        <TextField
          label={t`Requests a minute`}
          inputMode="numeric"
          autoComplete="off"
          maxLength={14}
          value={rate.requestsPerMinute}
          onChange={(requestsPerMinute) => setRate({ ...rate, requestsPerMinute })}
          error={faults.byField.requestsPerMinute}
        />
        <TextField
          label={t`Tokens a minute`}
          inputMode="numeric"
          autoComplete="off"
          maxLength={14}
          value={rate.tokensPerMinute}
          onChange={(tokensPerMinute) => setRate({ ...rate, tokensPerMinute })}
          error={faults.byField.tokensPerMinute}
        />
        <p className="-mt-4 text-xs text-ink-3 sm:col-span-2">
          <Trans>Nothing: as many as every key of this installation.</Trans>
        </p>
      </div>
      {faults.whole && (
        <Notice tone="danger" role="alert">
          {faults.whole}
        </Notice>
      )}
      {proving ? (
        <KeyProof
          returnTo="/settings/keys"
          onLeave={() => keepForm(formName, { name, scopes: [...granted].join(' '), life, limit, ...rate })}
          onCancel={() => setProving(false)}
        />
      ) : (
        <Button type="submit" look="primary" disabled={busy}>
          <Trans>Make the key</Trans>
        </Button>
      )}
    </form>
  )
}

interface ScopesProps {
  granted: ReadonlySet<Scope>
  error: string | undefined
  onChange(granted: ReadonlySet<Scope>): void
}

function Scopes({ granted, error, onChange }: ScopesProps) {
  const { t } = useLingui()
  const id = useId()
  const words: Record<Scope, string> = {
    'chat:write': t`Send messages and follow the answers`,
    'models:read': t`See the models`,
    'usage:read': t`See balance and usage`,
    'conversations:read': t`Read your conversations`,
  }
  return (
    <fieldset aria-describedby={error ? `${id}-error` : undefined}>
      <legend className="mb-2 text-sm font-medium">
        <Trans>What it may do</Trans>
      </legend>
      {scopes.map((scope) => (
        <label key={scope} className="flex min-h-8 items-center gap-2.5 text-sm touch:min-h-11">
          <input
            type="checkbox"
            className="size-4 accent-tide"
            checked={granted.has(scope)}
            onChange={(event) => {
              const next = new Set(granted)
              if (event.target.checked) next.add(scope)
              else next.delete(scope)
              onChange(next)
            }}
          />
          <span>
            {words[scope]} <code className="ml-1 font-mono text-xs text-ink-3">{scope}</code>
          </span>
        </label>
      ))}
      {error && (
        <p id={`${id}-error`} role="alert" className="mt-1 text-sm text-danger">
          <Trans>Choose at least one.</Trans>
        </p>
      )}
    </fieldset>
  )
}

function Made({ secret, onDone }: { secret: string; onDone(): void }) {
  const { t } = useLingui()
  const shown = useRef<HTMLInputElement>(null)
  const [copied, setCopied] = useState(false)
  useEffect(() => shown.current?.focus(), [])
  return (
    <div className="space-y-4">
      <Notice tone="info" role="status">
        <Trans>This is your key. Copy it now: it is shown this once and can’t be looked up again.</Trans>
      </Notice>
      <input
        ref={shown}
        readOnly
        aria-label={t`Your new key`}
        value={secret}
        onFocus={(event) => event.target.select()}
        className="h-10 w-full rounded-control border border-control bg-sunken px-3 font-mono text-sm text-ink touch:h-11"
      />
      <div className="flex flex-wrap gap-2">
        <Button look="primary" onClick={() => void copyText(secret).then(setCopied)}>
          {copied ? <Check size={15} aria-hidden="true" /> : <Copy size={15} aria-hidden="true" />}
          {copied ? <Trans>Copied</Trans> : <Trans>Copy</Trans>}
        </Button>
        <Button onClick={onDone}>
          <Trans>I have copied it</Trans>
        </Button>
      </div>
    </div>
  )
}
