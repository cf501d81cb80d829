import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import type { MessagePartsFragment } from '@/gql/graphql'
import { creditsText, exactCredits, numberText, zeroCredits } from '@/lib/credits'
import { useServiceInfo } from '@/lib/service-info'
import { useStore } from '@/lib/store'
import { chosenModel } from '@/lib/ui-state'
import { contextOf } from './arithmetic'
import { Popover } from './popover'
import { useBranchTotal } from './use-branch-total'

interface BranchGaugeProps {
  conversationId: string
  messages: readonly MessagePartsFragment[]
  hasOlder: boolean
  /** The model of the last answer. */
  modelId: string | null
}

/** From which part of the context on it is pointed out. */
const nearlyFull = 0.75

/** How full the model's context is, and what the branch on show cost. */
export function BranchGauge({ conversationId, messages, hasOlder, modelId }: BranchGaugeProps) {
  const { t, i18n } = useLingui()
  const info = useServiceInfo()
  const chosen = useStore(chosenModel)
  const total = useBranchTotal({ conversationId, messages, hasOlder })
  const models = info?.models ?? []
  const model = models.find(({ id }) => id === (chosen ?? modelId)) ?? models.find(({ id }) => id === modelId)
  const used = contextOf(messages)
  if (used === null || !model) return null
  const pays = info?.viewer.kind === 'ACCOUNT'
  const share = model.contextTokens > 0 ? Math.min(1, used / model.contextTokens) : 0
  const percent = i18n.number(share, { style: 'percent', maximumFractionDigits: share < 0.01 ? 1 : 0 })
  const amount = pays && total && total.credits !== zeroCredits ? creditsText(total.credits) : null
  const cost = amount !== null && plural(Number(total?.credits), { one: `${amount} credit`, other: `${amount} credits` })
  return (
    <Popover
      label={cost === false ? t`Context: ${percent}` : t`Context: ${percent}, this branch: ${cost}`}
      buttonClass="-ml-1 inline-flex min-h-8 shrink-0 items-center gap-1.5 rounded-control px-1.5 text-xs whitespace-nowrap text-ink-3 tabular-nums transition-colors hover:bg-hover hover:text-ink touch:min-h-11"
      content={() => (
        <Details
          used={used}
          of={model.contextTokens}
          share={share}
          name={model.name}
          dropped={messages.at(-1)?.droppedMessages ?? 0}
          total={pays ? total : null}
        />
      )}
    >
      <Ring share={share} />
      <span>{percent}</span>
      {cost !== false && <span className="max-wide:hidden">{`· ${cost}`}</span>}
    </Popover>
  )
}

const radius = 6
const around = 2 * Math.PI * radius

function Ring({ share }: { share: number }) {
  const tone = share >= 0.95 ? 'stroke-danger' : share >= nearlyFull ? 'stroke-warn' : 'stroke-tide'
  return (
    <svg width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true" className="shrink-0 -rotate-90">
      <circle r={radius} fill="none" strokeWidth="2.5" className="stroke-line-strong" />
      <circle
        r={radius}
        fill="none"
        strokeWidth="2.5"
        strokeLinecap="round"
        strokeDasharray={`${Math.max(share * around, 0.01)} ${around}`}
        className={tone}
      />
    </svg>
  )
}

interface DetailsProps {
  used: number
  of: number
  share: number
  name: string
  /** Messages that no longer fitted before the last answer. */
  dropped: number
  total: { credits: string; answers: number } | null
}

function Details({ used, of, share, name, dropped, total }: DetailsProps) {
  const { t } = useLingui()
  const [read, room] = [numberText(used), numberText(of)]
  return (
    <>
      <p className="font-semibold">
        <Trans>Context</Trans>
      </p>
      <div aria-hidden="true" className="mt-2 h-1.5 overflow-hidden rounded-full bg-hover">
        <div
          className={`h-full rounded-full ${share >= nearlyFull ? 'bg-warn' : 'bg-tide'}`}
          style={{ width: `${100 * share}%` }}
        />
      </div>
      <p className="mt-2 text-ink-2 tabular-nums">
        <Trans>
          About {read} of the {room} tokens that {name} can read.
        </Trans>
      </p>
      <p className="mt-1 text-xs text-ink-3">
        {dropped > 0
          ? t`The oldest ${plural(dropped, { one: '# message', other: '# messages' })} no longer fit and aren’t shown to the model.`
          : t`When it is full, the oldest messages aren’t shown to the model any more.`}
      </p>
      {total && (
        <p className="mt-3 flex items-baseline justify-between gap-4 border-t border-line pt-3">
          <span>
            <span className="font-semibold">
              <Trans>This branch</Trans>
            </span>
            <span className="ml-2 text-xs text-ink-3">{plural(total.answers, { one: '# answer', other: '# answers' })}</span>
          </span>
          <span className="font-semibold tabular-nums">
            <data value={total.credits}>{exactCredits(total.credits)}</data> {Number(total.credits) === 1 ? t`credit` : t`credits`}
          </span>
        </p>
      )}
    </>
  )
}
