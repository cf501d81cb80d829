import { Trans, useLingui } from '@lingui/react/macro'
import { type FormEvent, useEffect, useState } from 'react'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { type SettingsAccountFragment, SettingsProfileSaveDocument } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { useMutationAct } from '@/lib/graphql/act'
import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { showToast } from '@/lib/toasts'
import { ConfirmStep } from '@/components/page/confirm-step'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { day } from '@/components/page/moments'
import { returnedText, sortRefusals, wantsProof } from '@/components/page/refusal-words'
import { Fact, Facts, Section } from '@/components/page/section'
import { TextField } from '@/components/page/text-field'
import { useAccount } from '@/components/page/use-account'

const formName = 'profile'
const fields = ['name', 'email'] as const

interface ProfilePageProps {
  /** What went wrong on the way to the provider and back. */
  error: string | null
}

/** Who the account is: name, address, and what support may ask for. */
export function ProfilePage({ error }: ProfilePageProps) {
  const { account, failed, retry } = useAccount()
  if (failed) return <LoadFailed onRetry={retry} />
  if (!account) return <Loading />
  return <Profile key={account.id} account={account} error={error} />
}

function Profile({ account, error }: { account: SettingsAccountFragment; error: string | null }) {
  const { t } = useLingui()
  return (
    <>
      <Section title={t`Name and address`}>
        <ProfileForm account={account} error={error} />
      </Section>
      <Section title={t`Account`} note={t`Support may ask for the account id. It tells nobody anything about you.`}>
        <Facts>
          <Fact name={t`Account id`}>
            <code className="font-mono text-xs select-all">{account.id}</code>
          </Fact>
          <Fact name={t`Made on`}>{day(account.createdAt)}</Fact>
        </Facts>
      </Section>
    </>
  )
}

function ProfileForm({ account, error }: { account: SettingsAccountFragment; error: string | null }) {
  const { t } = useLingui()
  const save = useMutationAct(SettingsProfileSaveDocument, (data) => data.accountUpdate)
  const [kept] = useState(() => readForm(formName))
  useEffect(forgetForm, [])
  const [name, setName] = useState(kept?.name ?? account.name)
  const [email, setEmail] = useState(kept?.email ?? account.email ?? '')
  const [busy, setBusy] = useState(false)
  const [confirming, setConfirming] = useState(false)
  const [faults, setFaults] = useState<ReturnType<typeof sortRefusals<(typeof fields)[number]>>>({ byField: {}, whole: null })

  const change = {
    ...(name === account.name ? {} : { name }),
    ...(email.trim() === (account.email ?? '') ? {} : { email: email.trim() }),
  }
  const changed = Object.keys(change).length > 0

  const submit = async (input: typeof change) => {
    setBusy(true)
    const outcome = await save({ input })
    setBusy(false)
    const proof = wantsProof(outcome)
    setConfirming(proof)
    setFaults(proof ? { byField: {}, whole: null } : sortRefusals(outcome, fields))
    if (outcome.kind !== 'done') return
    // The new address isn't the account's before it is confirmed.
    if (input.email !== undefined) setEmail(account.email ?? '')
    showToast({ text: t`Saved.`, tone: 'plain' })
    announce(t`Saved.`)
  }
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (!changed || busy) return
    if (change.email === '') setFaults({ byField: { email: t`Enter an e-mail address.` }, whole: null })
    else void submit(change)
  }

  const returned = kept && !error ? t`You’re confirmed. What you typed is still here: save it now.` : returnedText(error)
  return (
    <form onSubmit={onSubmit} noValidate className="space-y-5">
      {returned && (
        <Notice tone={error ? 'danger' : 'info'} role="status">
          {returned}
        </Notice>
      )}
      <TextField
        label={t`Name`}
        autoComplete="name"
        value={name}
        onChange={setName}
        error={faults.byField.name}
        note={t`A later sign-in doesn’t overwrite it.`}
      />
      <TextField
        label={t`E-mail address`}
        type="email"
        inputMode="email"
        autoComplete="email"
        value={email}
        onChange={setEmail}
        error={faults.byField.email}
        note={t`A new address counts after you open the link that is sent to it. The old one is told.`}
      />
      {account.emailPending && (
        <Pending address={account.emailPending} busy={busy} onAgain={(again) => void submit({ email: again })} />
      )}
      {faults.whole && (
        <Notice tone="danger" role="alert">
          {faults.whole}
        </Notice>
      )}
      {!confirming && (
        <Button type="submit" look="primary" aria-disabled={!changed || busy}>
          {busy ? <Trans>Saving…</Trans> : <Trans>Save</Trans>}
        </Button>
      )}
      {confirming && (
        <ConfirmStep
          linked={account.identities.map(({ provider }) => provider)}
          returnTo="/settings/profile"
          onLeave={() => keepForm(formName, { name, email })}
          onCancel={() => setConfirming(false)}
        />
      )}
    </form>
  )
}

function Pending({ address, busy, onAgain }: { address: string; busy: boolean; onAgain(address: string): void }) {
  return (
    <Notice
      tone="info"
      role="status"
      actions={
        <Button look="quiet" aria-disabled={busy} onClick={() => onAgain(address)}>
          <Trans>Send it again</Trans>
        </Button>
      }
    >
      <Trans>
        A mail is on its way to <strong className="font-semibold break-all">{address}</strong>. Open the link in it within 24 hours.
      </Trans>
    </Notice>
  )
}
