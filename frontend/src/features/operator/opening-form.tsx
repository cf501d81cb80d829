import { Trans, useLingui } from '@lingui/react/macro'
import { type FormEvent, useEffect, useState } from 'react'
import { ConfirmStep } from '@/components/page/confirm-step'
import { TextArea } from '@/components/page/text-area'
import { TextField } from '@/components/page/text-field'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { OperatorOpeningAskDocument } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { useFormAct } from './use-form-act'
import { useLinked } from './use-identities'

const formName = 'operator-opening'
const fieldNames = ['account', 'conversations', 'reason'] as const
const nothing = { account: '', conversations: '', reason: '' }

/** Asks another administrator for access to conversations that are named. */
export function OpeningForm({ onDone }: { onDone(): void }) {
  const { t } = useLingui()
  const linked = useLinked()
  const [kept] = useState(() => readForm(formName))
  useEffect(forgetForm, [])
  const [open, setOpen] = useState(kept !== null)
  const [fields, setFields] = useState({ ...nothing, ...kept })
  const { step, faults, send, cancelProof } = useFormAct(OperatorOpeningAskDocument, (data) => data.openingAsk, fieldNames)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const conversations = fields.conversations.split(/[\s,]+/).filter(Boolean)
    if (step !== 'typing' || !(await send({ input: { ...fields, conversations } }))) return
    announce(t`Another administrator is asked.`)
    setFields(nothing)
    setOpen(false)
    onDone()
  }
  if (!open) {
    return (
      <Button onClick={() => setOpen(true)}>
        <Trans>Ask for access …</Trans>
      </Button>
    )
  }
  const field = (name: (typeof fieldNames)[number]) => ({
    value: fields[name],
    onChange: (value: string) => setFields((now) => ({ ...now, [name]: value })),
    error: faults.byField[name],
  })
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="fade-in space-y-5">
      <TextField
        label={t`Account`}
        note={t`Its id or its e-mail address.`}
        autoComplete="off"
        spellCheck={false}
        {...field('account')}
      />
      <TextField
        label={t`Conversations`}
        note={t`1 to 10 ids, as they stand in the address of a conversation.`}
        autoComplete="off"
        spellCheck={false}
        {...field('conversations')}
      />
      <TextArea label={t`Reason`} note={t`Their owner may ask for it.`} rows={3} {...field('reason')} />
      {faults.whole && (
        <Notice tone="danger" role="alert">
          {faults.whole}
        </Notice>
      )}
      {step === 'proving' ? (
        <ConfirmStep linked={linked} returnTo="/operator/legal" onLeave={() => keepForm(formName, fields)} onCancel={cancelProof} />
      ) : (
        <div className="flex flex-wrap gap-2">
          <Button type="submit" look="primary" aria-disabled={step === 'sending'}>
            <Trans>Ask another administrator</Trans>
          </Button>
          <Button look="quiet" onClick={() => setOpen(false)}>
            <Trans>Cancel</Trans>
          </Button>
        </div>
      )}
    </form>
  )
}
