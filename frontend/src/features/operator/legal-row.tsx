import { Trans, useLingui } from '@lingui/react/macro'
import { type FormEvent, useId, useState } from 'react'
import { ConfirmStep } from '@/components/page/confirm-step'
import { day } from '@/components/page/moments'
import { Fact, Facts } from '@/components/page/section'
import { TextArea } from '@/components/page/text-area'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import {
  type DataKind,
  type LegalState,
  OperatorLegalDecideDocument,
  type OperatorLegalRequestFragment,
  type Telling,
} from '@/gql/graphql'
import { DataKinds, useKindNames } from './data-kinds'
import { useFormAct } from './use-form-act'
import { useLinked } from './use-identities'

interface LegalRowProps {
  request: OperatorLegalRequestFragment
  onChanged(): void
}

/** A request of an authority: a line, all of it when it is wanted, and its decision. */
export function LegalRow({ request, onChanged }: LegalRowProps) {
  const { t } = useLingui()
  const id = useId()
  const [open, setOpen] = useState(request.state === 'OPEN')
  const states: Record<LegalState, string> = { OPEN: t`to be decided`, DISCLOSED: t`data was given`, REFUSED: t`refused` }
  return (
    <li className="py-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <button
          type="button"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
          className="min-h-11 min-w-0 flex-1 basis-64 rounded-control text-left hover:bg-hover"
        >
          <span className="block text-sm font-medium break-words">{request.authority}</span>
          <span className="block text-xs text-ink-3">{day(request.receivedAt)}</span>
        </button>
        <span className={`text-sm ${request.state === 'OPEN' ? 'text-tide' : 'text-ink-2'}`}>{states[request.state]}</span>
      </div>
      <div id={id} hidden={!open}>
        {open && <Whole request={request} />}
        {open && request.state === 'OPEN' && <Decide request={request} onChanged={onChanged} />}
      </div>
    </li>
  )
}

function Whole({ request }: { request: OperatorLegalRequestFragment }) {
  const { t } = useLingui()
  const names = useKindNames()
  const list = (kinds: readonly DataKind[]) => kinds.map((kind) => names[kind]).join(', ')
  const telling: Record<Telling, string> = {
    UNDECIDED: '',
    TOLD: t`It was told.`,
    PROHIBITED: t`It must not be told.`,
    UNREACHABLE: t`There is no address to tell it to.`,
  }
  const facts = [
    [t`Number`, request.id],
    [t`Legal basis`, request.basis],
    [t`Asked for`, list(request.asked)],
    [t`Their reference`, request.reference],
    [t`Scope`, request.scope],
    [t`Reason`, request.reason],
    [t`Account`, request.ownerId ?? t`deleted since, and the words with it`],
    [t`Given`, request.state === 'OPEN' ? '' : list(request.given) || t`nothing`],
    [t`Decision`, request.decision],
    [t`Whom it is about`, telling[request.telling]],
    [t`What forbids to tell`, request.prohibition],
  ] as const
  return (
    <div className="mt-2 mb-4">
      <Facts>
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <Fact key={name} name={name}>
              {value}
            </Fact>
          ))}
      </Facts>
    </div>
  )
}

function Decide({ request, onChanged }: LegalRowProps) {
  const { t } = useLingui()
  const linked = useLinked()
  const [given, setGiven] = useState<DataKind[]>([])
  const [reason, setReason] = useState('')
  const [prohibition, setProhibition] = useState('')
  const { step, faults, send, cancelProof } = useFormAct(OperatorLegalDecideDocument, (data) => data.legalRequestDecide, [
    'given',
    'reason',
    'prohibition',
  ])
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (step === 'typing' && (await send({ input: { id: request.id, given, reason, prohibition } }))) onChanged()
  }
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="space-y-4 rounded-row border border-line px-4 py-4">
      <DataKinds
        label={t`What they get, as little as the order covers`}
        of={request.asked}
        chosen={given}
        error={faults.byField.given}
        onChange={setGiven}
      />
      <TextArea label={t`Why it is decided so`} rows={3} value={reason} onChange={setReason} error={faults.byField.reason} />
      <TextArea
        label={t`What forbids to tell whom it is about`}
        note={t`Left empty, it is told by mail and in its activity.`}
        rows={2}
        value={prohibition}
        onChange={setProhibition}
        error={faults.byField.prohibition}
      />
      {faults.whole && (
        <Notice tone="danger" role="alert">
          {faults.whole}
        </Notice>
      )}
      {step === 'proving' ? (
        <ConfirmStep linked={linked} returnTo="/operator/legal" onLeave={() => {}} onCancel={cancelProof} />
      ) : (
        <Button type="submit" look="primary" aria-disabled={step === 'sending'}>
          {given.length > 0 ? <Trans>Decide: give this</Trans> : <Trans>Decide: give nothing</Trans>}
        </Button>
      )}
    </form>
  )
}
