import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { moment } from '@/components/page/moments'
import { count, type Report } from './group-clauses'
import { looks, states } from './state-words'

const frames = { GREEN: 'border-ok/40', AMBER: 'border-warn/50', RED: 'border-danger/60' }

/** All of it at a glance: one state, and how many promises are in which. */
export function Overview({ report }: { report: Report }) {
  const { i18n } = useLingui()
  const { icon: Icon, tone } = looks[report.state]
  return (
    <div className={`overflow-hidden rounded-row border bg-surface ${frames[report.state]}`}>
      <div className="flex items-start gap-4 px-5 py-6 sm:gap-5 sm:px-7">
        <Icon size={40} strokeWidth={1.6} aria-hidden="true" className={`shrink-0 ${tone}`} />
        <div className="min-w-0">
          <p className="text-lg leading-snug font-semibold text-balance" data-testid="state">
            <Verdict report={report} />
          </p>
          <p className="mt-1.5 text-sm text-ink-2">
            {report.checkedAt ? (
              <Trans>
                Found by the program itself, all the time; last on{' '}
                <time dateTime={report.checkedAt}>{moment(report.checkedAt)}</time>.
              </Trans>
            ) : (
              <Trans>The first checks are on their way.</Trans>
            )}
          </p>
        </div>
      </div>
      <dl className="grid grid-cols-3 gap-px border-t border-line bg-line">
        {states.map((state) => (
          <div key={state} className="flex flex-col-reverse bg-surface px-5 py-3.5 sm:px-7">
            <dt className="text-xs text-ink-3">{i18n._(looks[state].words)}</dt>
            <dd
              className={`text-xl leading-tight font-semibold tabular-nums ${count(report.clauses, state) > 0 ? looks[state].tone : 'text-ink-3'}`}
            >
              {count(report.clauses, state)}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  )
}

function Verdict({ report: { state, clauses } }: { report: Report }) {
  const wrong = count(clauses, 'RED')
  const look = count(clauses, 'AMBER')
  if (state === 'RED') {
    return plural(wrong, {
      one: '# promise of the privacy policy is broken.',
      other: '# promises of the privacy policy are broken.',
    })
  }
  if (state === 'AMBER') {
    return plural(look, {
      one: 'No promise is broken; # can’t be confirmed now.',
      other: 'No promise is broken; # can’t be confirmed now.',
    })
  }
  return <Trans>Every promise of the privacy policy is kept.</Trans>
}
