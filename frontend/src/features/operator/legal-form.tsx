import { Trans, useLingui } from '@lingui/react/macro'
import { type FormEvent, useEffect, useState } from 'react'
import { ConfirmStep } from '@/components/page/confirm-step'
import { Segments } from '@/components/page/segments'
import { TextArea } from '@/components/page/text-area'
import { TextField } from '@/components/page/text-field'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { type DataKind, type LegalGround, OperatorLegalReceiveDocument } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { DataKinds, dataKinds } from './data-kinds'
import { useFormAct } from './use-form-act'
import { useLinked } from './use-identities'

const formName = 'operator-legal'
const fieldNames = ['account', 'ground', 'authority', 'basis', 'asked', 'reference', 'scope', 'reason'] as const
const nothing = { account: '', ground: 'LAW', authority: '', basis: '', asked: '', reference: '', scope: '', reason: '' }

/** Writes down what an authority asks for. */
export function LegalForm({ onDone }: { onDone(): void }) {
  const { t } = useLingui()
  const linked = useLinked()
  const [kept] = useState(() => readForm(formName))
  useEffect(forgetForm, [])
  const [open, setOpen] = useState(kept !== null)
  const [fields, setFields] = useState({ ...nothing, ...kept })
  const { step, faults, send, cancelProof } = useFormAct(
    OperatorLegalReceiveDocument,
    (data) => data.legalRequestReceive,
    fieldNames,
  )
  const change = (more: Partial<typeof fields>) => setFields((now) => ({ ...now, ...more }))
  const asked = fields.asked.split(' ').filter(Boolean) as DataKind[]
  const ground: LegalGround = fields.ground === 'SAFETY' ? 'SAFETY' : 'LAW'
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (step !== 'typing' || !(await send({ input: { ...fields, asked, ground } }))) return
    announce(t`It is written down.`)
    setFields(nothing)
    setOpen(false)
    onDone()
  }
  if (!open) {
    return (
      <Button onClick={() => setOpen(true)}>
        <Trans>Write a request down …</Trans>
      </Button>
    )
  }
  const field = (name: (typeof fieldNames)[number]) => ({
    value: fields[name],
    onChange: (value: string) => change({ [name]: value }),
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
      <Segments
        label={t`On which ground`}
        value={ground}
        options={[
          { value: 'LAW', label: t`The law obliges` },
          { value: 'SAFETY', label: t`Rights or safety` },
        ]}
        onChoose={(value) => change({ ground: value })}
      />
      <TextField
        label={t`Authority`}
        note={t`Who asks. This outlives the account: don’t name whom it is about.`}
        autoComplete="off"
        {...field('authority')}
      />
      <TextField label={t`Legal basis`} note={t`The law, and the order with its date.`} autoComplete="off" {...field('basis')} />
      <DataKinds
        label={t`What they ask for`}
        of={dataKinds}
        chosen={asked}
        error={faults.byField.asked}
        onChange={(kinds) => change({ asked: kinds.join(' ') })}
      />
      <TextField label={t`Their reference`} autoComplete="off" {...field('reference')} />
      <TextArea label={t`Scope`} note={t`What exactly, and of which time.`} rows={3} {...field('scope')} />
      <TextArea label={t`Reason`} note={t`Why they ask.`} rows={3} {...field('reason')} />
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
            <Trans>Write it down</Trans>
          </Button>
          <Button look="quiet" onClick={() => setOpen(false)}>
            <Trans>Cancel</Trans>
          </Button>
        </div>
      )}
    </form>
  )
}
