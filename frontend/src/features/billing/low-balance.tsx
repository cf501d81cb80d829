import { Trans, useLingui } from '@lingui/react/macro'
import { type SyntheticEvent, useState } from 'react'
import { sortRefusals } from '@/components/page/refusal-words'
import { Section } from '@/components/page/section'
import { Switch } from '@/components/page/switch'
import { TextField } from '@/components/page/text-field'
import { Button } from '@/components/ui/button'
import { type BalancePartsFragment, type CreditNoticeUpdateInput, LowBalanceDocument } from '@/gql/graphql'
import { useMutationAct } from '@/lib/graphql/act'
import { showToast } from '@/lib/toasts'
import { typedCredits } from '@/lib/typed-numbers'

/** When to be told that the balance is low. */
export function LowBalance({ credits }: { credits: BalancePartsFragment }) {
  const { t } = useLingui()
  const act = useMutationAct(LowBalanceDocument, (data) => data.creditNoticeUpdate)
  const [typed, setTyped] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const value = typed ?? credits.lowThreshold

  const update = async (input: CreditNoticeUpdateInput) => {
    setBusy(true)
    setFault(null)
    const outcome = await act({ input })
    setBusy(false)
    const { byField, whole } = sortRefusals(outcome, ['threshold'])
    setFault(byField.threshold ?? whole)
    return outcome.kind === 'done'
  }
  const save = async (event: SyntheticEvent) => {
    event.preventDefault()
    const threshold = typedCredits(value)
    if (threshold === null) {
      setFault(t`Write a number of credits, for example 50 or 0.5; 0 means never.`)
      return
    }
    if (!(await update({ threshold }))) return
    setTyped(null)
    showToast({ text: t`Saved.`, tone: 'plain' })
  }
  return (
    <Section title={t`When the balance is low`}>
      <form onSubmit={(event) => void save(event)} className="flex flex-wrap items-end gap-2" noValidate>
        <div className="min-w-0 flex-1 basis-60 sm:max-w-xs">
          <TextField
            label={t`Low is below`}
            note={t`In credits. 0 means never.`}
            inputMode="decimal"
            autoComplete="off"
            maxLength={24}
            error={fault}
            value={value}
            onChange={setTyped}
          />
        </div>
        <Button type="submit" aria-disabled={busy} className="mb-6">
          <Trans>Save</Trans>
        </Button>
      </form>
      <Switch
        label={t`Write me a mail`}
        note={t`Once each time the balance becomes low. The page shows it in any case.`}
        checked={credits.lowNotice}
        busy={busy}
        onChange={(notice) => void update({ notice })}
      />
    </Section>
  )
}
