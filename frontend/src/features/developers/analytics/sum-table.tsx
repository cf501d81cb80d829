import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { durationWords } from '@/features/developers/words'
import { exactCredits, numberText } from '@/lib/credits'
import type { Sum } from './report'

export interface SumRow {
  id: string
  name: ReactNode
  /** What it is called when it is read out alone. */
  plainName: string
  sum: Sum
  /** The words of a log's address that lead to these requests. */
  /** Where its requests are; null where they can't be told from others. */
  search: Record<string, string> | null
  /** Its part of the requests, drawn below its name. */
  share?: number
}

interface SumTableProps {
  caption: string
  kind: string
  rows: readonly SumRow[]
  total: Sum
}

const cell = 'py-2 pl-4 text-right tabular-nums whitespace-nowrap'

/** Requests as numbers, each to its last digit; every row leads to its requests. */
export function SumTable({ caption, kind, rows, total }: SumTableProps) {
  const { t } = useLingui()
  return (
    // A scrolled region has to be reachable for the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="max-h-[28rem] overflow-auto print:max-h-none" tabIndex={0} role="region" aria-label={caption}>
      <table className="w-full min-w-200 border-collapse text-sm">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr className="sticky top-0 bg-paper text-xs text-ink-3 shadow-[0_1px_0_var(--line-strong)] [&>th]:pb-2 [&>th]:pl-4 [&>th]:text-right [&>th]:font-normal [&>th]:whitespace-nowrap [&>th:first-child]:pl-0 [&>th:first-child]:text-left">
            <th scope="col">{kind}</th>
            <th scope="col">
              <Trans>Requests</Trans>
            </th>
            <th scope="col">
              <Trans>Errors</Trans>
            </th>
            <th scope="col">
              <Trans>Tokens read</Trans>
            </th>
            <th scope="col">
              <Trans>From the cache</Trans>
            </th>
            <th scope="col">
              <Trans>Tokens written</Trans>
            </th>
            <th scope="col">
              <Trans>Credits</Trans>
            </th>
            <th scope="col">
              <Trans>First token p50 / p95</Trans>
            </th>
            <th scope="col">
              <Trans>Took p50 / p95</Trans>
            </th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {rows.map(({ id, name, plainName, sum, search, share }) => (
            <tr key={id}>
              <th scope="row" className="py-2 text-left font-normal whitespace-nowrap">
                {search ? (
                  <Link
                    to="/developers/$page"
                    params={{ page: 'logs' }}
                    search={search}
                    title={t`Show the requests of ${plainName}`}
                    className="underline decoration-line-strong underline-offset-3 hover:decoration-current"
                  >
                    {name}
                  </Link>
                ) : (
                  name
                )}
                {share !== undefined && (
                  <span aria-hidden="true" className="mt-1.5 block h-1 w-40 overflow-hidden rounded-full bg-hover">
                    <span className="swatch h-full! rounded-full!" data-series={0} style={{ width: `${100 * share}%` }} />
                  </span>
                )}
              </th>
              <Numbers sum={sum} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr className="border-t border-line-strong font-semibold">
            <th scope="row" className="py-2 text-left font-semibold">
              <Trans>All</Trans>
            </th>
            <Numbers sum={total} />
          </tr>
        </tfoot>
      </table>
    </div>
  )
}

function Numbers({ sum }: { sum: Sum }) {
  return (
    <>
      <td className={cell}>{numberText(sum.requests)}</td>
      <td className={`${cell} ${sum.errors > 0 ? 'text-danger' : 'text-ink-3'}`}>{numberText(sum.errors)}</td>
      <td className={cell}>{numberText(sum.promptTokens)}</td>
      <td className={cell}>{numberText(sum.cachedTokens)}</td>
      <td className={cell}>{numberText(sum.outputTokens)}</td>
      <td className={cell}>
        <data value={sum.credits}>{exactCredits(sum.credits)}</data>
      </td>
      <td className={cell}>
        {durationWords(sum.firstTokenMs.p50)} / {durationWords(sum.firstTokenMs.p95)}
      </td>
      <td className={cell}>
        {durationWords(sum.latencyMs.p50)} / {durationWords(sum.latencyMs.p95)}
      </td>
    </>
  )
}
