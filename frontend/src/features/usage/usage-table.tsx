import { Trans } from '@lingui/react/macro'
import type { ReactNode } from 'react'
import { exactCredits, numberText } from '@/lib/credits'
import type { Sum } from './report'

export interface UsageRow {
  key: string
  name: ReactNode
  sum: Sum
  /** Its share of the credits. */
  share?: number
  series?: number
}

interface UsageTableProps {
  /** What the table is of. */
  caption: string
  /** What its rows are. */
  kind: string
  rows: readonly UsageRow[]
  /** The last row: all of them. */
  total: Sum
}

const cell = 'py-2.5 pl-4 text-right tabular-nums whitespace-nowrap'

/** Usage as numbers, each to its last digit. */
export function UsageTable({ caption, kind, rows, total }: UsageTableProps) {
  return (
    // A scrolled region has to be reachable for the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={caption}>
      <table className="w-full min-w-140 border-collapse text-sm">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr className="border-b border-line-strong text-xs text-ink-3 [&>th]:pb-2 [&>th]:font-normal">
            <th scope="col" className="text-left">
              {kind}
            </th>
            <th scope="col" className="pl-4 text-right">
              <Trans>Requests</Trans>
            </th>
            <th scope="col" className="pl-4 text-right">
              <Trans>Tokens read</Trans>
            </th>
            <th scope="col" className="pl-4 text-right">
              <Trans>From the cache</Trans>
            </th>
            <th scope="col" className="pl-4 text-right">
              <Trans>Tokens written</Trans>
            </th>
            <th scope="col" className="pl-4 text-right">
              <Trans>Credits</Trans>
            </th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {rows.map(({ key, name, sum, share, series }) => (
            <tr key={key}>
              <th scope="row" className="py-2.5 text-left font-normal">
                <span className="flex items-center gap-2">
                  {series !== undefined && <span className="swatch" data-series={series} aria-hidden="true" />}
                  <span className="min-w-0">{name}</span>
                </span>
                {share !== undefined && <Share share={share} series={series ?? 0} />}
              </th>
              <Numbers sum={sum} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr className="border-t border-line-strong font-semibold">
            <th scope="row" className="py-2.5 text-left font-semibold">
              <Trans>All</Trans>
            </th>
            <Numbers sum={total} />
          </tr>
        </tfoot>
      </table>
    </div>
  )
}

function Share({ share, series }: { share: number; series: number }) {
  return (
    <span aria-hidden="true" className="mt-1.5 block h-1 w-full max-w-52 overflow-hidden rounded-full bg-hover">
      <span className="swatch h-full! rounded-full!" data-series={series} style={{ width: `${100 * share}%` }} />
    </span>
  )
}

function Numbers({ sum }: { sum: Sum }) {
  return (
    <>
      <td className={cell}>{numberText(sum.acts)}</td>
      <td className={cell}>{numberText(sum.promptTokens)}</td>
      <td className={cell}>{numberText(sum.cachedTokens)}</td>
      <td className={cell}>{numberText(sum.outputTokens)}</td>
      <td className={cell}>
        <data value={sum.credits}>{exactCredits(sum.credits)}</data>
      </td>
    </>
  )
}
