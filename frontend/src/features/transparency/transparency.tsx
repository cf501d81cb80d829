import { Trans, useLingui } from '@lingui/react/macro'
import { Printer } from 'lucide-react'
import { useCallback, useMemo } from 'react'
import { useQuery } from 'urql'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { useRefresh } from '@/components/page/use-refresh'
import { Button } from '@/components/ui/button'
import { TransparencyDocument } from '@/gql/graphql'
import { Chapters, ClauseRow } from './chapters'
import { groupClauses, type Report } from './group-clauses'
import { Overview } from './overview'
import { Proof } from './proof'
import { Recipients } from './recipients'
import './transparency.css'

/** Milliseconds between two looks: the server checks every two minutes. */
const every = 60_000

/** How the promises of the policy are kept, for everybody. */
export function Transparency() {
  const [{ data, error, fetching }, execute] = useQuery({ query: TransparencyDocument, requestPolicy: 'cache-and-network' })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  if (!data) return error && !fetching ? <LoadFailed onRetry={retry} /> : <Loading rows={6} />
  return <Whole report={data.transparency} />
}

function Whole({ report }: { report: Report }) {
  const chapters = useMemo(() => groupClauses(report.clauses), [report.clauses])
  const trouble = report.clauses.filter(({ state }) => state !== 'GREEN')
  return (
    <div className="transparency">
      <Overview report={report} />
      {trouble.length > 0 && <Trouble clauses={trouble} />}
      <Chapters chapters={chapters} />
      <Recipients report={report} />
      <Proof report={report} />
      <p className="mt-8 print:hidden">
        <Button onClick={() => print()}>
          <Printer size={15} aria-hidden="true" />
          <Trans>Print</Trans>
        </Button>
      </p>
    </div>
  )
}

function Trouble({ clauses }: { clauses: Report['clauses'] }) {
  const { t } = useLingui()
  return (
    <section aria-label={t`Not as it should be`} className="mt-8 rounded-row bg-sunken px-5 pt-4 pb-1 sm:px-7">
      <h2 className="text-md font-semibold">
        <Trans>Not as it should be</Trans>
      </h2>
      <ul>
        {clauses.map((clause) => (
          <ClauseRow key={clause.id} clause={clause} linked />
        ))}
      </ul>
    </section>
  )
}
