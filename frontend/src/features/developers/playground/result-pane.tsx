import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import type { ReactNode } from 'react'
import { durationWords } from '@/features/developers/words'
import { numberText } from '@/lib/credits'
import { CodeEditor } from './code-editor'
import type { Answer } from './run'
import type { Result } from './use-run'

/** What came back: an answer with what the server says beside it, or events as they come. */
export function ResultPane({ result }: { result: Result }) {
  const { t } = useLingui()
  return (
    <section
      aria-label={t`Result`}
      className="flex min-h-80 min-w-0 flex-col overflow-hidden rounded-row border border-line bg-surface lg:min-h-0"
    >
      <div
        role="status"
        className="flex min-h-11 flex-wrap items-center gap-x-4 gap-y-0.5 border-b border-line px-3.5 py-1.5 text-xs text-ink-2"
      >
        <Head result={result} />
      </div>
      <Body result={result} />
    </section>
  )
}

function Head({ result }: { result: Result }) {
  if (result.kind === 'running') return <Trans>Waiting for the answer…</Trans>
  if (result.kind === 'unreachable')
    return (
      <span className="text-danger">
        <Trans>No answer: the server can’t be reached.</Trans>
      </span>
    )
  if (result.kind === 'answer') return <AnswerFacts answer={result.answer} />
  if (result.kind === 'nothing')
    return (
      <span className="text-ink-3">
        <Trans>Result</Trans>
      </span>
    )
  const count = plural(result.count, { one: '# event', other: '# events' })
  return (
    <>
      {result.phase === 'opening' && <Trans>Opening a websocket…</Trans>}
      {result.phase === 'open' && (
        <span className="flex items-center gap-2">
          <span className="lamp" aria-hidden="true" />
          <Trans>Live</Trans>
        </span>
      )}
      {result.phase === 'over' &&
        (result.why === null ? (
          <Trans>It is over.</Trans>
        ) : (
          <span className="text-danger">
            <Trans>It ended early.</Trans>
          </span>
        ))}
      <span className="tabular-nums">{count}</span>
    </>
  )
}

function AnswerFacts({ answer }: { answer: Answer }) {
  const { t } = useLingui()
  const { status, took, bytes, facts } = answer
  const size = bytes < 1024 ? t`${numberText(bytes)} bytes` : `${numberText(Math.round(bytes / 102.4) / 10)} KB`
  return (
    <>
      <span className={`font-semibold tabular-nums ${status < 400 ? 'text-ok' : 'text-danger'}`}>{status}</span>
      <span className="tabular-nums">{durationWords(took)}</span>
      <span className="tabular-nums">{size}</span>
      {facts.cost && (
        <Fact name={t`Cost`} title={t`What the server counts for this document, of what one may cost`}>
          {numberText(facts.cost.requested)} / {numberText(facts.cost.limit)}
        </Fact>
      )}
      {facts.limit && (
        <Fact name={t`Left`} title={t`What is left of the tightest limit`}>
          {facts.limit.remaining} / {facts.limit.of}
        </Fact>
      )}
      {facts.retryAfter && <Fact name={t`Again in`}>{facts.retryAfter} s</Fact>}
      {facts.requestId && <code className="min-w-0 truncate font-mono text-2xs text-ink-3">{facts.requestId}</code>}
    </>
  )
}

function Fact({ name, title, children }: { name: string; title?: string; children: ReactNode }) {
  return (
    <span title={title} className="whitespace-nowrap tabular-nums">
      <span className="text-ink-3">{name}</span> {children}
    </span>
  )
}

function Body({ result }: { result: Result }) {
  const { t } = useLingui()
  if (result.kind === 'answer') {
    return <CodeEditor label={t`The answer`} language="json" text={result.answer.text} className="flex-1" />
  }
  if (result.kind !== 'live') {
    return (
      <p className="m-auto max-w-64 px-6 py-10 text-center text-sm text-ink-3">
        {result.kind === 'nothing' && <Trans>Ctrl+Enter runs the document; what comes back is shown here.</Trans>}
      </p>
    )
  }
  return (
    // A scrolled region has to be reachable for the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div role="region" aria-label={t`Events, the newest first`} tabIndex={0} className="min-h-0 flex-1 overflow-auto">
      {result.why !== null && (
        <pre className="border-b border-line px-3.5 py-2.5 font-mono text-sm whitespace-pre-wrap text-danger">
          {result.why === 'network' ? t`The line was lost.` : result.why}
        </pre>
      )}
      <ol reversed className="divide-y divide-line">
        {result.events.map(({ number, after, text }) => (
          <li key={number} className="px-3.5 py-2">
            <p className="flex justify-between text-2xs text-ink-3 tabular-nums">
              <span>#{number}</span>
              <span>+{durationWords(after)}</span>
            </p>
            <pre className="overflow-x-auto font-mono text-sm leading-relaxed">{text}</pre>
          </li>
        ))}
      </ol>
    </div>
  )
}
