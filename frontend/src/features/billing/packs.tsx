import { Trans, useLingui } from '@lingui/react/macro'
import { useRef, useState } from 'react'
import { Section } from '@/components/page/section'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { BuyDocument, type PackPartsFragment, type PaymentProvider } from '@/gql/graphql'
import { creditsText } from '@/lib/credits'
import { errorText } from '@/lib/error-text'
import { useMutationAct } from '@/lib/graphql/act'
import { randomId } from '@/lib/random-id'
import { moneyText, providerWords } from './words'

interface PacksProps {
  packs: readonly PackPartsFragment[]
  /** Leaves for the page where one pays. */
  onLeave(url: string): void
}

/** What is for sale, and the way to pay. */
export function Packs({ packs, onLeave }: PacksProps) {
  const { t } = useLingui()
  const [chosen, setChosen] = useState(packs[0]?.id ?? '')
  const { buy, busy, fault } = useBuy(onLeave)
  const pack = packs.find(({ id }) => id === chosen) ?? packs[0]
  if (!pack) return null
  return (
    <Section
      title={t`Buy credits`}
      note={t`You pay at the provider; card data never comes here. The credits are yours as soon as the provider has told us.`}
    >
      <fieldset>
        <legend className="sr-only">{t`Packs`}</legend>
        <div className="grid grid-cols-2 gap-2 sm:grid-cols-4">
          {packs.map((one) => (
            <PackChoice key={one.id} pack={one} checked={one.id === pack.id} onChoose={() => setChosen(one.id)} />
          ))}
        </div>
      </fieldset>
      <p className="mt-3 text-xs text-ink-3">
        {pack.taxIncluded ? (
          <Trans>Taxes are included.</Trans>
        ) : (
          <Trans>Taxes are added at the checkout where the law says so.</Trans>
        )}
      </p>
      <div className="mt-4 flex flex-wrap gap-2">
        {pack.providers.map((provider, at) => (
          <Button
            key={provider}
            look={at === 0 ? 'primary' : 'plain'}
            aria-disabled={busy}
            onClick={() => void buy(pack.id, provider)}
          >
            <Trans>
              Pay {moneyText(pack.price)} with {providerWords(provider)}
            </Trans>
          </Button>
        ))}
      </div>
      {fault && (
        <div className="mt-3">
          <Notice role="alert" tone="danger">
            {fault}
          </Notice>
        </div>
      )}
    </Section>
  )
}

function PackChoice({ pack, checked, onChoose }: { pack: PackPartsFragment; checked: boolean; onChoose(): void }) {
  return (
    <label className="flex cursor-pointer flex-col gap-0.5 rounded-row border border-line-strong p-3 transition-colors hover:bg-hover has-checked:border-tide has-checked:bg-tide-soft has-focus-visible:outline-2 has-focus-visible:outline-tide">
      <input type="radio" name="pack" value={pack.id} checked={checked} onChange={onChoose} className="sr-only" />
      <span className="text-sm text-ink-2">{pack.name}</span>
      <span className="text-lg font-semibold tabular-nums">{creditsText(pack.credits)}</span>
      <span className="text-sm text-ink-2 tabular-nums">{moneyText(pack.price)}</span>
    </label>
  )
}

/** Begins to buy: one checkout a click, and the same one when a click has to be repeated. */
function useBuy(onLeave: (url: string) => void) {
  const { t } = useLingui()
  const act = useMutationAct(BuyDocument, (data) => data.creditCheckoutCreate)
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const click = useRef<{ what: string; clientId: string } | null>(null)
  const buy = async (packId: string, provider: PaymentProvider) => {
    if (busy) return
    const what = `${packId} ${provider}`
    if (click.current?.what !== what) click.current = { what, clientId: randomId() }
    setBusy(true)
    setFault(null)
    const outcome = await act({ input: { packId, provider, clientId: click.current.clientId } })
    setBusy(false)
    if (outcome.kind === 'done' && outcome.payload.checkout) {
      click.current = null
      onLeave(outcome.payload.checkout.url)
      return
    }
    if (outcome.kind === 'refused' && outcome.refusals[0].code === 'CONFLICT') {
      // What this click began is over: the next one begins another.
      click.current = null
      setFault(t`This checkout is over. Look at your payments, or buy again to begin another.`)
    } else if (outcome.kind === 'refused') setFault(errorText(outcome.refusals[0]))
    else setFault(errorText({ code: 'UNREACHABLE' }))
  }
  return { buy, busy, fault }
}
