import { Plural, Trans, useLingui } from '@lingui/react/macro'
import { type FormEvent, useState } from 'react'
import { useClient } from 'urql'
import { sortRefusals } from '@/components/page/refusal-words'
import { Section } from '@/components/page/section'
import { TextField } from '@/components/page/text-field'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { ConversationsDocument, DeletionConversationsDocument, type DeletionConversationsMutation } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { useMutationAct } from '@/lib/graphql/act'
import { Listed } from './stays-goes'
import { eraseWord, sameText } from './word'

type Done = DeletionConversationsMutation['conversationDeleteAll']

/** Deletes all conversations at once; the rest of the account stays. */
export function DeleteConversations() {
  const { t } = useLingui()
  const run = useMutationAct(DeletionConversationsDocument, (data) => data.conversationDeleteAll)
  const client = useClient()
  const [typed, setTyped] = useState('')
  const [step, setStep] = useState<'closed' | 'typing' | 'sending'>('closed')
  const [wrong, setWrong] = useState<string | null>(null)
  const [whole, setWhole] = useState<string | null>(null)
  const [done, setDone] = useState<Done | null>(null)

  const send = async () => {
    setStep('sending')
    const outcome = await run({ input: { confirmation: typed.trim() } })
    const sorted = sortRefusals(outcome, ['confirmation'])
    setWrong(sorted.byField.confirmation ?? null)
    setWhole(sorted.whole)
    setStep(outcome.kind === 'done' ? 'closed' : 'typing')
    if (outcome.kind !== 'done') return
    setDone(outcome.payload)
    setTyped('')
    // The server tells all tabs, this one too; should that be lost, the list is right all the same.
    void client.query(ConversationsDocument, {}, { requestPolicy: 'network-only' }).toPromise()
    announce(t`All conversations are deleted.`)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (step === 'sending') return
    setWhole(null)
    if (sameText(typed, eraseWord)) void send()
    else setWrong(t`Type ${eraseWord} to go on.`)
  }
  return (
    <Section title={t`Delete all conversations`} note={t`At once and for good. Nobody can bring them back.`}>
      {done && step === 'closed' && <Deleted done={done} />}
      {step === 'closed' ? (
        <Button look="danger" onClick={() => setStep('typing')}>
          <Trans>Delete all conversations …</Trans>
        </Button>
      ) : (
        <form onSubmit={submit} noValidate aria-label={t`Delete all conversations`} className="fade-in space-y-5">
          <Listed
            title={t`What goes`}
            items={[
              t`All conversations, archived ones too, with their messages and versions.`,
              t`Answers that are being written: they stop first.`,
            ]}
          />
          <Listed
            title={t`What stays`}
            items={[
              t`Your account, your settings, your keys and your balance.`,
              t`What answers have cost: the amounts, without their text.`,
            ]}
          />
          <TextField
            label={t`Type ${eraseWord} to confirm`}
            autoComplete="off"
            autoCapitalize="characters"
            spellCheck={false}
            value={typed}
            onChange={setTyped}
            error={wrong}
          />
          {whole && (
            <Notice tone="danger" role="alert">
              {whole}
            </Notice>
          )}
          <div className="flex flex-wrap gap-2">
            <Button type="submit" look="danger" aria-disabled={step === 'sending'}>
              {step === 'sending' ? <Trans>Deleting …</Trans> : <Trans>Delete them for good</Trans>}
            </Button>
            <Button look="quiet" onClick={() => step === 'typing' && setStep('closed')}>
              <Trans>Cancel</Trans>
            </Button>
          </div>
        </form>
      )}
    </Section>
  )
}

function Deleted({ done }: { done: Done }) {
  return (
    <div className="mb-4">
      <Notice role="status">
        {done.finished ? (
          <Plural
            value={done.conversations}
            _0="There was nothing to delete."
            one="# conversation is deleted."
            other="# conversations are deleted."
          />
        ) : (
          <Trans>Your conversations are being deleted. What is left goes by itself in the next minutes.</Trans>
        )}
      </Notice>
    </div>
  )
}
