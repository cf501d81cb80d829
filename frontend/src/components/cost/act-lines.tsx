import { Trans, useLingui } from '@lingui/react/macro'
import { creditsText, exactCredits, numberText } from '@/lib/credits'
import { type Act, type CostLine, costLines, lessBecause } from './act'

interface ActLinesProps {
  act: Act
  /** Which of several acts it is. */
  place: number | null
}

/** One act: tokens times price. */
export function ActLines({ act, place }: ActLinesProps) {
  const { t } = useLingui()
  const words: Record<CostLine['kind'], string> = { read: t`read`, cached: t`read from the cache`, written: t`written` }
  const less = lessBecause(act)
  return (
    <div className="mt-3 border-t border-line pt-3">
      {place !== null && (
        <p className="mb-1 flex justify-between text-xs text-ink-3">
          <span>{act.feature === 'CONTINUE' ? <Trans>{place}. Continued</Trans> : <Trans>{place}. Begun</Trans>}</span>
          <span className="tabular-nums">{exactCredits(act.credits)}</span>
        </p>
      )}
      <table className="w-full text-xs">
        <caption className="sr-only">{t`Tokens times price`}</caption>
        <thead className="sr-only">
          <tr>
            <th scope="col">{t`Tokens`}</th>
            <th scope="col">{t`Price for a million`}</th>
            <th scope="col">{t`Credits`}</th>
          </tr>
        </thead>
        <tbody>
          {costLines(act).map(({ kind, tokens, price, credits }) => (
            <tr key={kind} className="[&>*]:py-0.5">
              <th scope="row" className="text-left font-normal text-ink-2">
                <span className="tabular-nums">{numberText(tokens)}</span> {words[kind]}
              </th>
              <td className="px-2 text-right whitespace-nowrap text-ink-3 tabular-nums">× {exactCredits(price)} / M</td>
              <td className="text-right whitespace-nowrap tabular-nums">{creditsText(String(credits))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Notes act={act} less={less} />
    </div>
  )
}

function Notes({ act, less }: { act: Act; less: ReturnType<typeof lessBecause> }) {
  const thought = numberText(act.reasoningTokens)
  return (
    <div className="mt-1.5 space-y-1 text-xs text-ink-3 empty:hidden">
      {act.reasoningTokens > 0 && (
        <p>
          <Trans>{thought} of the tokens written were reasoning.</Trans>
        </p>
      )}
      {act.estimated && (
        <p>
          <Trans>≈ Estimated: the engine sent no numbers that could be right, so we counted.</Trans>
        </p>
      )}
      {less === 'nothing-written' && (
        <p>
          <Trans>Nothing was written, so it costs nothing.</Trans>
        </p>
      )}
      {less === 'held' && (
        <p>
          <Trans>It never costs more than was set aside for it, so the rest is free.</Trans>
        </p>
      )}
    </div>
  )
}
