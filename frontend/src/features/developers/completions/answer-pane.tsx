import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { Segments } from '@/components/page/segments'
import { laidOut } from '@/features/developers/laid-out'
import { durationWords } from '@/features/developers/words'
import { exactCredits, numberText, zeroCredits } from '@/lib/credits'
import { leftOf, type Reply } from './reply'
import type { Result } from './use-ask'
import { useCost } from './use-cost'

type View = 'answer' | 'events' | 'headers'

/** What comes back: the answer, the events as they are, and what the server says beside them. */
export function AnswerPane({ result, hasAccount }: { result: Result; hasAccount: boolean }) {
  const { t } = useLingui()
  const [view, setView] = useState<View>('answer')
  return (
    <section
      aria-label={t`Result`}
      className="flex min-h-80 min-w-0 flex-col overflow-hidden rounded-row border border-line bg-surface lg:min-h-0"
    >
      <div className="flex min-h-11 flex-wrap items-center justify-between gap-x-4 gap-y-1.5 border-b border-line px-3.5 py-1.5">
        <div role="status" className="flex flex-wrap items-center gap-x-4 gap-y-0.5 text-xs text-ink-2">
          <Head result={result} />
        </div>
        <Segments<View>
          label={t`What is shown`}
          value={view}
          options={[
            { value: 'answer', label: t`Answer` },
            { value: 'events', label: t`As it came` },
            { value: 'headers', label: t`Headers` },
          ]}
          onChoose={setView}
        />
      </div>
      {/* A scrolled region has to be reachable for the keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="min-h-0 flex-1 overflow-auto px-3.5 py-3" tabIndex={0} role="region" aria-label={t`The answer`}>
        {view === 'answer' && <Answer result={result} />}
        {view === 'events' && <Events result={result} />}
        {view === 'headers' && <Headers result={result} />}
      </div>
      <Foot result={result} hasAccount={hasAccount} />
    </section>
  )
}

function Head({ result: { phase, status, firstAfter, took } }: { result: Result }) {
  const { t } = useLingui()
  if (phase === 'nothing') {
    return (
      <span className="text-ink-3">
        <Trans>Result</Trans>
      </span>
    )
  }
  if (phase === 'waiting') return <Trans>Waiting for the answer…</Trans>
  if (phase === 'unreachable') {
    return (
      <span className="text-danger">
        <Trans>No answer: the server can’t be reached.</Trans>
      </span>
    )
  }
  return (
    <>
      {status !== null && (
        <span className={`font-semibold tabular-nums ${status < 400 ? 'text-ok' : 'text-danger'}`}>{status}</span>
      )}
      {phase === 'open' && (
        <span className="flex items-center gap-2">
          <span className="lamp" aria-hidden="true" />
          <Trans>Live</Trans>
        </span>
      )}
      {firstAfter !== null && <Fact name={t`First token`}>{durationWords(firstAfter)}</Fact>}
      {took !== null && <Fact name={t`All of it`}>{durationWords(took)}</Fact>}
    </>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <span className="whitespace-nowrap tabular-nums">
      <span className="text-ink-3">{name}</span> {children}
    </span>
  )
}

function Answer({ result: { phase, reply } }: { result: Result }) {
  if (phase === 'nothing') {
    return (
      <p className="mx-auto max-w-64 px-6 py-10 text-center text-sm text-ink-3">
        <Trans>Ctrl+Enter asks; the answer is shown here as it is written.</Trans>
      </p>
    )
  }
  return (
    <div className="max-w-prose space-y-3">
      {reply.reasoning !== '' && (
        <p className="border-s-2 border-line-strong ps-3 text-sm leading-relaxed whitespace-pre-wrap text-ink-3">
          {reply.reasoning}
        </p>
      )}
      {reply.text !== '' && <p className="text-base leading-relaxed whitespace-pre-wrap">{reply.text}</p>}
      <Calls calls={reply.calls} />
      {reply.error !== null && (
        <p role="alert" lang="en" className="text-sm text-danger">
          {reply.error}
        </p>
      )}
    </div>
  )
}

function Calls({ calls }: Pick<Reply, 'calls'>) {
  return calls.map((call, at) => (
    // A call has its place and nothing else of its own.
    // oxlint-disable-next-line react/no-array-index-key
    <pre key={at} className="overflow-x-auto font-mono text-sm">
      {call.name}({call.arguments})
    </pre>
  ))
}

function Events({ result: { events, count } }: { result: Result }) {
  const [only, ...others] = events
  const more = count - events.length
  if (only !== undefined && others.length === 0) return <pre className="font-mono text-sm whitespace-pre-wrap">{laidOut(only)}</pre>
  return (
    <ol className="space-y-1 font-mono text-xs leading-relaxed">
      {events.map((data, at) => (
        // Events only come at the end.
        // oxlint-disable-next-line react/no-array-index-key
        <li key={at} className="break-all whitespace-pre-wrap">
          <span className="text-ink-3">data: </span>
          {data}
        </li>
      ))}
      {more > 0 && <li className="font-sans text-ink-3">{plural(more, { one: '# event more', other: '# events more' })}</li>}
    </ol>
  )
}

function Headers({ result: { headers } }: { result: Result }) {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 font-mono text-xs">
      {headers.map(([name, value]) => (
        <div key={name} className="col-span-2 grid grid-cols-subgrid">
          <dt className="text-ink-3">{name}</dt>
          <dd className="break-all">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Tokens, what it cost, what is left, and by which name it is in the log. */
function Foot({ result: { phase, headers, reply }, hasAccount }: { result: Result; hasAccount: boolean }) {
  const { t } = useLingui()
  const requestId = headers.find(([name]) => name === 'x-request-id')?.[1] ?? null
  const cost = useCost(hasAccount && phase === 'over' ? requestId : null)
  const exact = exactCredits(cost ?? zeroCredits)
  if (requestId === null) return null
  const { usage, finish } = reply
  const names: Record<string, string> = { requests: t`Requests left`, tokens: t`Tokens left` }
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-0.5 border-t border-line px-3.5 py-2 text-xs text-ink-2">
      {usage && (
        <>
          <Fact name={t`Read`}>
            {usage.cached > 0 ? t`${numberText(usage.prompt)}, ${numberText(usage.cached)} cached` : numberText(usage.prompt)}
          </Fact>
          <Fact name={t`Written`}>{numberText(usage.written)}</Fact>
        </>
      )}
      {cost !== null && (
        <Fact name={t({ message: 'Cost', context: 'of an answer' })}>
          {plural(Number(cost), { one: `${exact} credit`, other: `${exact} credits` })}
        </Fact>
      )}
      {finish !== null && <Fact name={t`Ended`}>{finish}</Fact>}
      {leftOf(headers).map(({ name, remaining, of }) => (
        <Fact key={name} name={names[name] ?? name}>
          {remaining} / {of}
        </Fact>
      ))}
      <Link
        to="/developers/$page"
        params={{ page: 'logs' }}
        title={t`Request logs`}
        className="min-w-0 truncate font-mono text-2xs text-ink-3 underline-offset-3 hover:underline"
      >
        {requestId}
      </Link>
    </div>
  )
}
