import { Trans, useLingui } from '@lingui/react/macro'
import { moment } from '@/components/page/moments'
import { Evidence } from './evidence'
import { type Chapter, type Clause, count } from './group-clauses'
import { StateMark } from './state-mark'
import { looks } from './state-words'

/** Each promise in the policy's words, with what was found. */
export function Chapters({ chapters }: { chapters: readonly Chapter[] }) {
  return chapters.map((chapter) => <ChapterPart key={chapter.clauses[0]?.id} chapter={chapter} />)
}

function ChapterPart({ chapter: { title, clauses } }: { chapter: Chapter }) {
  const kept = count(clauses, 'GREEN')
  const id = `chapter-${clauses[0]?.id ?? ''}`
  return (
    <section aria-labelledby={id} className="mt-10 break-before-auto">
      <div className="flex items-baseline justify-between gap-4 border-b border-line pb-2">
        <h2 id={id} lang="en" className="text-md font-semibold text-balance">
          {title}
        </h2>
        <p className="shrink-0 text-xs text-ink-3 tabular-nums">
          <Trans>
            {kept} of {clauses.length} kept
          </Trans>
        </p>
      </div>
      <ul>
        {clauses.map((clause) => (
          <ClauseRow key={clause.id} clause={clause} />
        ))}
      </ul>
    </section>
  )
}

/** One promise; also where everything that is not as it should be stands together. */
export function ClauseRow({
  clause: { id, title, state, evidence, findings, checkedAt },
  linked = false,
}: {
  clause: Clause
  linked?: boolean
}) {
  const { i18n } = useLingui()
  return (
    <li
      id={linked ? undefined : id}
      className="flex scroll-mt-14 gap-3 border-b border-line py-4 break-inside-avoid last:border-b-0"
      title={i18n._(looks[state].words)}
    >
      <span className="mt-0.5">
        <StateMark state={state} />
      </span>
      <div className="min-w-0">
        <p lang="en" className="max-w-prose text-sm text-pretty text-ink">
          {linked ? (
            <a href={`#${id}`} className="underline underline-offset-3">
              {title}
            </a>
          ) : (
            title
          )}
        </p>
        <p
          className={`mt-1 max-w-prose text-xs leading-relaxed text-pretty ${state === 'GREEN' ? 'text-ink-3' : looks[state].tone}`}
        >
          <Evidence evidence={evidence} findings={findings} />
        </p>
        {checkedAt && state !== 'GREEN' && (
          <p className="mt-0.5 text-xs text-ink-3">
            <Trans>Looked at on {moment(checkedAt)}</Trans>
          </p>
        )}
      </div>
    </li>
  )
}
