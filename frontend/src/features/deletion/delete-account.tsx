import { Trans, useLingui } from '@lingui/react/macro'
import { type FormEvent, useEffect, useState } from 'react'
import { ConfirmStep } from '@/components/page/confirm-step'
import { returnedText, sortRefusals, wantsProof } from '@/components/page/refusal-words'
import { Section } from '@/components/page/section'
import { TextField } from '@/components/page/text-field'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { DeletionAccountDocument, type Provider } from '@/gql/graphql'
import { useMutationAct } from '@/lib/graphql/act'
import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { signingOut } from '@/lib/ui-state'
import { Listed } from './stays-goes'
import { eraseWord, sameText } from './word'

const formName = 'delete-account'

interface DeleteAccountProps {
  /** Else it is a guest. */
  isAccount: boolean
  /** The account's own address, which is typed to confirm; null when there is none. */
  email: string | null
  /** The ways in which the account signs in. */
  linked: readonly Provider[]
  /** Why a way to a provider ended without its aim. */
  error: string | null
  onDeleted(ticket: string): void
}

/** Deletes the account, or what a guest has, after it was said what goes and what stays. */
export function DeleteAccount(props: DeleteAccountProps) {
  const { isAccount, email, linked, error } = props
  const { t } = useLingui()
  const wanted = email ?? eraseWord
  const { typed, step, wrong, whole, returned, setTyped, setStep, send, keep } = useDeletion(props, wanted)
  const back = returned && !error ? t`You’re confirmed. What you typed is still here: go on now.` : returnedText(error)
  const title = isAccount ? t`Delete the account` : t`Delete everything`
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (step === 'typing') send()
  }
  return (
    <Section
      title={title}
      note={
        isAccount
          ? t`At once and for good, on all devices. Whoever signs in like you afterwards gets a new, empty account.`
          : t`All that is kept of you as a guest goes, at once and for good.`
      }
    >
      {step === 'closed' ? (
        <Button look="danger" onClick={() => setStep('typing')}>
          {isAccount ? <Trans>Delete the account …</Trans> : <Trans>Delete everything …</Trans>}
        </Button>
      ) : (
        <form onSubmit={submit} noValidate aria-label={title} className="fade-in space-y-5">
          {back && step === 'typing' && (
            <Notice tone={error ? 'danger' : 'info'} role="status">
              {back}
            </Notice>
          )}
          <Scope isAccount={isAccount} />
          <fieldset disabled={step !== 'typing'} className="disabled:opacity-70">
            <TextField
              label={t`Type ${wanted} to confirm`}
              note={email ? t`The e-mail address of this account.` : undefined}
              autoComplete="off"
              spellCheck={false}
              value={typed}
              onChange={setTyped}
              error={wrong}
            />
          </fieldset>
          {whole && (
            <Notice tone="danger" role="alert">
              {whole}
            </Notice>
          )}
          {step === 'proving' ? (
            <ConfirmStep linked={linked} returnTo="/settings/data" onLeave={keep} onCancel={() => setStep('typing')} />
          ) : (
            <div className="flex flex-wrap gap-2">
              <Button type="submit" look="danger" aria-disabled={step === 'sending'}>
                {step === 'sending' ? <Trans>Deleting …</Trans> : <Trans>Delete it for good</Trans>}
              </Button>
              <Button look="quiet" onClick={() => step === 'typing' && setStep('closed')}>
                <Trans>Cancel</Trans>
              </Button>
            </div>
          )}
        </form>
      )}
    </Section>
  )
}

/** What was typed, also before a way to a provider and back, and how far it is. */
function useDeletion({ error, onDeleted }: DeleteAccountProps, wanted: string) {
  const { t } = useLingui()
  const run = useMutationAct(DeletionAccountDocument, (data) => data.accountDelete)
  const [kept] = useState(() => readForm(formName))
  useEffect(forgetForm, [])
  const [typed, setTyped] = useState(kept?.confirmation ?? '')
  const [step, setStep] = useState<'closed' | 'typing' | 'sending' | 'proving'>(kept || error ? 'typing' : 'closed')
  const [wrong, setWrong] = useState<string | null>(null)
  const [whole, setWhole] = useState<string | null>(null)

  const send = async () => {
    setWhole(null)
    if (!sameText(typed, wanted)) {
      setWrong(t`Type ${wanted} to go on.`)
      return
    }
    setStep('sending')
    // This page's own session ends with the account: it leads to the receipt then, not to the sign-in.
    signingOut.set(true)
    const outcome = await run({ input: { confirmation: typed.trim() } })
    if (outcome.kind === 'done' && outcome.payload.deletion) {
      onDeleted(outcome.payload.deletion.ticket)
      return
    }
    signingOut.set(false)
    const proof = wantsProof(outcome)
    setStep(proof ? 'proving' : 'typing')
    if (proof) return
    const lastAdmin = outcome.kind === 'refused' && outcome.refusals[0].code === 'CONFLICT'
    const sorted = sortRefusals(outcome, ['confirmation'])
    setWrong(sorted.byField.confirmation ?? null)
    setWhole(lastAdmin ? t`You are the last administrator. Make somebody else one first, on the server.` : sorted.whole)
  }
  return {
    typed,
    step,
    wrong,
    whole,
    returned: kept !== null,
    setTyped,
    setStep,
    send: () => void send(),
    keep: () => keepForm(formName, { confirmation: typed }),
  }
}

function Scope({ isAccount }: { isAccount: boolean }) {
  const { t } = useLingui()
  const everybody = [
    t`All conversations, with answers that are being written: they stop first.`,
    t`What you confirmed, accepted and agreed to.`,
    t`The key that your texts are encrypted with.`,
  ]
  const accounts = [
    t`Your name, your address, your ways to sign in, and all devices: they are signed out first.`,
    t`All API keys: they stop working first.`,
    t`Your balance. Credits that are left are lost.`,
  ]
  return (
    <div className="space-y-4">
      <Listed title={t`What goes`} items={isAccount ? [...accounts, ...everybody] : everybody} />
      <Listed
        title={t`What stays`}
        items={[
          ...(isAccount
            ? [
                t`Amounts of payments and charges, because the law wants books kept: under a random number that leads to nobody.`,
                t`Counts of API requests, without owner and key, for 90 days at most.`,
                t`At Google, GitHub or your company: that you allowed this service to sign you in. Take that back there.`,
              ]
            : []),
          t`Backups, until they are overwritten. When one is brought back, you are deleted from it before anybody is served.`,
          t`A receipt with counts, which names nobody. You can download it.`,
        ]}
      />
    </div>
  )
}
