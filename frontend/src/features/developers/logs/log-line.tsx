import { Trans, useLingui } from '@lingui/react/macro'
import { Copy } from 'lucide-react'
import { memo, type ReactNode } from 'react'
import { IconButton } from '@/components/ui/button'
import { durationWords, endWords, exactTime, outcomeOf, timeWords } from '@/features/developers/words'
import { copyText } from '@/lib/clipboard'
import { creditsText, exactCredits, numberText } from '@/lib/credits'
import type { LogRow } from './log-state'

/** The columns where there is room; narrow lists stack what matters in two lines. */
export const columns =
  'grid grid-cols-[3rem_minmax(0,1fr)_auto] items-baseline gap-x-3 @4xl:grid-cols-[3rem_7.5rem_minmax(0,1fr)_6.5rem_7.5rem_5.5rem_5.5rem_4.5rem_4.5rem]'

/** What only wide lists show beside each other; the rest is in the details. */
const wideOnly = 'hidden @4xl:block'

interface LogLineProps {
  row: LogRow
  keyName: string
  modelName: string
  open: boolean
  now: number
  onToggle(id: string): void
  onKey(keyId: string): void
}

/** One request, and when it is open all that is kept of it. */
export const LogLine = memo(function LogLine({ row, keyName, modelName, open, now, onToggle, onKey }: LogLineProps) {
  const details = `details-${row.id}`
  const number = 'text-right tabular-nums whitespace-nowrap'
  return (
    <>
      <div
        role="row"
        data-open={open || undefined}
        className={`log-row relative gap-y-0.5 border-t border-line px-3 py-2 text-sm transition-colors hover:bg-hover data-open:bg-hover ${columns}`}
      >
        <div role="cell">
          <Status row={row} />
        </div>
        <div
          role="cell"
          className="col-start-2 row-start-2 text-xs text-ink-3 tabular-nums @4xl:col-auto @4xl:row-auto @4xl:text-sm @4xl:text-ink-2"
        >
          <time dateTime={row.createdAt}>{timeWords(row.createdAt, now)}</time>
          <span className="@4xl:hidden">
            {row.modelId && ' · '}
            {row.modelId && modelName}
          </span>
        </div>
        <div role="cell" className="col-start-2 row-start-1 min-w-0 @4xl:col-auto @4xl:row-auto">
          <button
            type="button"
            aria-expanded={open}
            aria-controls={open ? details : undefined}
            onClick={() => onToggle(row.id)}
            className="block w-full truncate text-left after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:rounded-control focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-tide"
          >
            <Route route={row.route} />
          </button>
        </div>
        <div role="cell" className={`min-w-0 truncate text-ink-2 ${wideOnly}`}>
          {modelName || '–'}
        </div>
        <div role="cell" className={`min-w-0 truncate text-ink-2 ${wideOnly}`}>
          {keyName}
        </div>
        <div role="cell" className={`${number} ${wideOnly}`}>
          {tokensOf(row)}
        </div>
        <div role="cell" className={`col-start-3 row-start-2 text-xs @4xl:col-auto @4xl:row-auto @4xl:text-sm ${number}`}>
          <span className={Number(row.credits) === 0 ? 'text-ink-3' : 'text-ink-2 @4xl:text-ink'}>
            {Number(row.credits) === 0 ? '–' : creditsText(row.credits)}
          </span>
        </div>
        <div role="cell" className={`text-ink-2 ${number} ${wideOnly}`}>
          {durationWords(row.firstTokenMs)}
        </div>
        <div role="cell" className={`col-start-3 row-start-1 @4xl:col-auto @4xl:row-auto ${number}`}>
          {durationWords(row.latencyMs)}
        </div>
      </div>
      {open && (
        <div role="row" className="log-details bg-hover">
          <div role="cell" id={details} aria-colspan={9} className="fade-in px-3 pt-1 pb-4 @4xl:pl-[4.5rem]">
            <Details row={row} keyName={keyName} modelName={modelName} onKey={onKey} />
          </div>
        </div>
      )}
    </>
  )
})

/** How it ended: the number, and a mark that doesn't rest on colour alone. */
function Status({ row }: { row: LogRow }) {
  const outcome = outcomeOf(row.status)
  return (
    <span className="log-status tabular-nums" data-outcome={outcome} title={row.code ?? endWords(row.status)}>
      {row.status}
      <span className="sr-only"> {endWords(row.status)}</span>
    </span>
  )
}

/** A route with what it does set back: `POST /v1/…`, `query viewer`. */
export function Route({ route }: { route: string }) {
  const at = route.indexOf(' ') + 1
  return (
    <span className="font-mono text-xs">
      <span className="text-ink-3">{route.slice(0, at)}</span>
      {route.slice(at)}
    </span>
  )
}

function tokensOf({ promptTokens, outputTokens }: LogRow): string {
  return promptTokens + outputTokens === 0 ? '–' : `${numberText(promptTokens)} → ${numberText(outputTokens)}`
}

interface DetailsProps {
  row: LogRow
  keyName: string
  modelName: string
  onKey(keyId: string): void
}

function Details({ row, keyName, modelName, onKey }: DetailsProps) {
  const { t } = useLingui()
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-2 text-sm @4xl:grid-cols-3 @4xl:gap-x-10">
      <Fact wide name={t`Request id`}>
        <code className="font-mono text-xs break-all">{row.id}</code>
        <IconButton label={t`Copy the request id`} className="-my-1.5 size-7!" onClick={() => void copyText(row.id)}>
          <Copy size={14} />
        </IconButton>
      </Fact>
      <Fact wide name={t`Time`}>
        <time dateTime={row.createdAt} className="tabular-nums">
          {exactTime(row.createdAt)}
        </time>
      </Fact>
      <Fact wide name={t`Outcome`}>
        {row.status} {endWords(row.status)}
        {row.code && <code className="ml-1.5 font-mono text-xs text-ink-2">{row.code}</code>}
      </Fact>
      <Fact name={t`Key`}>
        <button
          type="button"
          onClick={() => onKey(row.keyId)}
          title={t`Only the requests of this key`}
          className="truncate text-left text-tide underline underline-offset-3"
        >
          {keyName}
        </button>
      </Fact>
      <Fact name={t`Model`}>{modelName || '–'}</Fact>
      <Fact name={t`Answer`}>{row.streamed ? <Trans>streamed</Trans> : <Trans>in one piece</Trans>}</Fact>
      <Fact name={t`Tokens read`}>
        {numberText(row.promptTokens)}
        {row.cachedTokens > 0 && (
          <span className="ml-1.5 text-ink-3">
            <Trans>{numberText(row.cachedTokens)} from the cache</Trans>
          </span>
        )}
      </Fact>
      <Fact name={t`Tokens written`}>
        {numberText(row.outputTokens)}
        {row.reasoningTokens > 0 && (
          <span className="ml-1.5 text-ink-3">
            <Trans>{numberText(row.reasoningTokens)} of them reasoning</Trans>
          </span>
        )}
      </Fact>
      <Fact name={t`Credits`}>
        <data value={row.credits}>{exactCredits(row.credits)}</data>
      </Fact>
      <Fact name={t`First token`}>{durationWords(row.firstTokenMs)}</Fact>
      <Fact name={t`Took`}>{durationWords(row.latencyMs)}</Fact>
    </dl>
  )
}

function Fact({ name, wide, children }: { name: string; wide?: boolean; children: ReactNode }) {
  return (
    <div className={`flex min-w-0 flex-col ${wide ? 'max-@4xl:col-span-2' : ''}`}>
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd className="flex min-w-0 items-baseline gap-1 tabular-nums">{children}</dd>
    </div>
  )
}
