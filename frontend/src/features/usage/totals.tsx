import { plural } from '@lingui/core/macro'
import { useLingui } from '@lingui/react/macro'
import type { ReactNode } from 'react'
import { creditsText, exactCredits, numberText, shortNumber } from '@/lib/credits'
import type { Sum } from './report'
import { shareWords } from './words'

/** What a range came to, in four numbers. */
export function Totals({ sum }: { sum: Sum }) {
  const { t } = useLingui()
  const cached = shareWords(sum.promptTokens === 0 ? 0 : sum.cachedTokens / sum.promptTokens)
  const each = sum.acts > 0 ? Number(sum.credits) / sum.acts : 0
  const eachText = creditsText(String(each))
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-row border border-line bg-line lg:grid-cols-4">
      <Total name={t`Credits`} note={t`exactly ${exactCredits(sum.credits)}`}>
        <data value={sum.credits}>{creditsText(sum.credits)}</data>
      </Total>
      <Total name={t`Tokens read`} note={t`${cached} from the cache`}>
        <Count value={sum.promptTokens} />
      </Total>
      <Total
        name={t`Tokens written`}
        note={sum.reasoningTokens > 0 ? t`${shortNumber(sum.reasoningTokens)} of them reasoning` : t`no reasoning`}
      >
        <Count value={sum.outputTokens} />
      </Total>
      <Total
        name={t`Requests`}
        note={sum.acts > 0 ? plural(each, { one: `${eachText} credit each`, other: `${eachText} credits each` }) : t`none yet`}
      >
        <Count value={sum.acts} />
      </Total>
    </dl>
  )
}

function Count({ value }: { value: number }) {
  return (
    <data value={value} title={numberText(value)}>
      {value < 100_000 ? numberText(value) : shortNumber(value)}
    </data>
  )
}

function Total({ name, note, children }: { name: string; note: string; children: ReactNode }) {
  return (
    <div className="bg-surface px-4 py-3.5">
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd className="mt-0.5 text-xl leading-8 font-semibold tabular-nums">{children}</dd>
      <dd className="truncate text-xs text-ink-3 tabular-nums">{note}</dd>
    </div>
  )
}
