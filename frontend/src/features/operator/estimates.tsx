import { Trans, useLingui } from '@lingui/react/macro'
import { numberText } from '@/lib/credits'
import type { MoneyState } from './use-money'

/** How much of the axis a distance from 1 takes: half of it is a distance of 50 %. */
const half = 0.5

/** A ratio as its distance from 1, with its sign. */
export function offText(ratio: number, locale: string): string {
  const format = new Intl.NumberFormat(locale, { style: 'percent', signDisplay: 'exceptZero', maximumFractionDigits: 1 })
  return format.format(ratio - 1)
}

/** Where a ratio stands on the axis from 0.5 to 1.5, in percent; beyond it at its end. */
export function placeOf(ratio: number): number {
  return 50 + (50 * Math.max(-half, Math.min(half, ratio - 1))) / half
}

/** Our own count of tokens over the engines', by model. */
export function Estimates({ estimates }: { estimates: MoneyState['estimates'] }) {
  const { t, i18n } = useLingui()
  const locale = i18n.locale === 'zh' ? 'zh-CN' : 'en'
  if (estimates.length === 0) {
    return (
      <p className="text-sm text-ink-3">
        <Trans>No engine has sent numbers for five people or more in this time.</Trans>
      </p>
    )
  }
  const head = 'pb-2 font-normal'
  return (
    // A scrolled region has to be reachable for the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={t`Counts by model`}>
      <table className="w-full min-w-140 text-sm">
        <thead>
          <tr className="border-b border-line-strong text-left text-xs text-ink-3">
            <th scope="col" className={head}>{t`Model`}</th>
            <th scope="col" className={head}>{t`Counted by`}</th>
            <th scope="col" className={`${head} text-right`}>{t`Requests`}</th>
            <th scope="col" className={`${head} pl-6`}>{t`Read, median`}</th>
            <th scope="col" className={`${head} pl-6`}>{t`Written, median`}</th>
            <th scope="col" className={`${head} pl-6 text-right`}>{t`Written, 95 of 100 within`}</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {estimates.map(({ modelId, tokenizer, acts, promptRatio, outputRatio, outputErrorP95 }) => (
            <tr key={modelId}>
              <th scope="row" className="py-2.5 text-left font-normal">
                {modelId}
              </th>
              <td>{tokenizer ?? <Trans>the estimate</Trans>}</td>
              <td className="text-right tabular-nums">{numberText(acts)}</td>
              <td className="pl-6">
                <Off ratio={promptRatio} locale={locale} />
              </td>
              <td className="pl-6">
                <Off ratio={outputRatio} locale={locale} />
              </td>
              <td className="pl-6 text-right tabular-nums">±{offText(1 + outputErrorP95, locale).replace('+', '')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** A ratio: its distance from 1 in words, and as a mark beside the middle of a line. */
function Off({ ratio, locale }: { ratio: number; locale: string }) {
  const place = placeOf(ratio)
  return (
    <span className="flex items-center gap-3">
      <span className="w-14 text-right tabular-nums">{offText(ratio, locale)}</span>
      <svg width="96" height="12" aria-hidden="true" className="shrink-0">
        <line x1="0" x2="96" y1="6" y2="6" className="stroke-line-strong" />
        <line x1="48" x2="48" y1="1" y2="11" className="stroke-control" />
        <circle cx={(96 * place) / 100} cy="6" r="3.5" className={Math.abs(ratio - 1) > 0.2 ? 'fill-warn' : 'fill-tide'} />
      </svg>
    </span>
  )
}
