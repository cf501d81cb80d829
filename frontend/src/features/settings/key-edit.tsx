import { Trans, useLingui } from '@lingui/react/macro'
import { type SyntheticEvent, useEffect, useRef, useState } from 'react'
import { KeyProof } from '@/components/page/key-proof'
import { sortRefusals, wantsProof } from '@/components/page/refusal-words'
import { TextField } from '@/components/page/text-field'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { type ApiKeyUpdateInput, type SettingsKeyFragment, SettingsKeyUpdateDocument } from '@/gql/graphql'
import { useMutationAct } from '@/lib/graphql/act'
import { keepForm, readForm } from '@/lib/kept-form'
import { typedCredits, wholeNumber } from '@/lib/typed-numbers'

const fields = ['name', 'creditLimit', 'requestsPerMinute', 'tokensPerMinute'] as const
type Field = (typeof fields)[number]
type Typed = Record<Field, string>

const formOf = (id: string) => `key ${id}`

/** Whether what was typed about this key is kept while its owner showed who he is. */
export const isKept = (id: string): boolean => readForm(formOf(id)) !== null

const typedOf = (key: SettingsKeyFragment): Typed => ({
  name: key.name,
  creditLimit: key.creditLimit ?? '',
  requestsPerMinute: key.requestsPerMinute === null ? '' : String(key.requestsPerMinute),
  tokensPerMinute: key.tokensPerMinute === null ? '' : String(key.tokensPerMinute),
})

/** What is changed of a key: nothing of a field that is as it was, so that nobody else's change is undone. */
function changesOf(key: SettingsKeyFragment, typed: Typed): Omit<ApiKeyUpdateInput, 'apiKeyId'> | { faulty: Field[] } {
  const before = typedOf(key)
  const changed = (field: Field) => typed[field].trim() !== before[field]
  const creditLimit = typedCredits(typed.creditLimit)
  const rates = ['requestsPerMinute', 'tokensPerMinute'] as const
  const faulty: Field[] = [
    ...(typed.creditLimit.trim() !== '' && creditLimit === null ? (['creditLimit'] as const) : []),
    ...rates.filter((field) => wholeNumber(typed[field]) === undefined),
  ]
  if (faulty.length > 0) return { faulty }
  return {
    ...(changed('name') ? { name: typed.name } : {}),
    ...(changed('creditLimit') ? (creditLimit === null ? { unlimited: true } : { creditLimit }) : {}),
    ...Object.fromEntries(rates.filter(changed).map((field) => [field, wholeNumber(typed[field]) ?? 0])),
  }
}

interface KeyEditProps {
  of: SettingsKeyFragment
  onChanged(): void
  onClose(): void
}

/** Changes a key's name and what it may use; its scopes and its end stay. */
export function KeyEdit({ of: key, onChanged, onClose }: KeyEditProps) {
  const { t } = useLingui()
  const update = useMutationAct(SettingsKeyUpdateDocument, (data) => data.apiKeyUpdate)
  const [typed, setTyped] = useState<Typed>(() => ({ ...typedOf(key), ...readForm(formOf(key.id)) }))
  const [busy, setBusy] = useState(false)
  const [proving, setProving] = useState(false)
  const [faults, setFaults] = useState<ReturnType<typeof sortRefusals<Field>>>({ byField: {}, whole: null })
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => form.current?.querySelector('input')?.focus(), [])
  const words: Partial<Record<Field, string>> = {
    creditLimit: t`Write a number of credits, for example 1000 or 0.5, or nothing.`,
    requestsPerMinute: t`Write a whole number, or nothing.`,
    tokensPerMinute: t`Write a whole number, or nothing.`,
  }
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault()
    if (busy) return
    const changes = changesOf(key, typed)
    if ('faulty' in changes) {
      setFaults({ byField: Object.fromEntries(changes.faulty.map((field) => [field, words[field]])), whole: null })
      return
    }
    if (Object.keys(changes).length === 0) {
      onClose()
      return
    }
    setBusy(true)
    const outcome = await update({ input: { apiKeyId: key.id, ...changes } })
    setBusy(false)
    setProving(wantsProof(outcome))
    setFaults(wantsProof(outcome) ? { byField: {}, whole: null } : sortRefusals(outcome, fields))
    if (outcome.kind !== 'done') return
    onChanged()
    onClose()
  }
  const field = (name: Field) => ({
    value: typed[name],
    error: faults.byField[name],
    autoComplete: 'off',
    onChange: (value: string) => setTyped({ ...typed, [name]: value }),
  })
  return (
    <form
      ref={form}
      aria-label={t`Change ${key.name}`}
      onSubmit={(event) => void submit(event)}
      noValidate
      className="fade-in basis-full space-y-5 pt-2"
    >
      <TextField label={t`What the key is for`} maxLength={100} {...field('name')} />
      <TextField
        label={t`How much it may spend`}
        note={t`In credits, in all, with what it has spent. Nothing: as much as your balance.`}
        inputMode="decimal"
        maxLength={24}
        {...field('creditLimit')}
      />
      <div className="grid max-w-md gap-x-4 gap-y-5 sm:grid-cols-2">
        <TextField label={t`Requests a minute`} inputMode="numeric" maxLength={14} {...field('requestsPerMinute')} />
        <TextField label={t`Tokens a minute`} inputMode="numeric" maxLength={14} {...field('tokensPerMinute')} />
      </div>
      {faults.whole && (
        <Notice tone="danger" role="alert">
          {faults.whole}
        </Notice>
      )}
      {proving ? (
        <KeyProof returnTo="/settings/keys" onLeave={() => keepForm(formOf(key.id), typed)} onCancel={() => setProving(false)} />
      ) : (
        <div className="flex flex-wrap gap-2">
          <Button type="submit" look="primary" disabled={busy}>
            <Trans>Save</Trans>
          </Button>
          <Button look="quiet" onClick={onClose}>
            <Trans>Cancel</Trans>
          </Button>
        </div>
      )}
    </form>
  )
}
