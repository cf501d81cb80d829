import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { ChevronDown, Printer } from 'lucide-react'
import { type ReactNode, useCallback } from 'react'
import { useQuery } from 'urql'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { Section } from '@/components/page/section'
import { Button } from '@/components/ui/button'
import { unmask } from '@/gql/fragment-masking'
import { HeldDocument, type HeldQuery, HeldTableFragmentDoc } from '@/gql/graphql'
import './held.css'
import { HeldBrowser } from './held-browser'
import { HeldTable } from './held-table'
import { groupWords, tableWords } from './held-words'

type Group = HeldQuery['viewer']['dataInventory']['groups'][number]

/** Everything that is kept about whoever asks, straight from the database. */
export function HeldPage() {
  const [{ data, error, fetching }, execute] = useQuery({ query: HeldDocument, requestPolicy: 'cache-and-network' })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  if (!data) return error && !fetching ? <LoadFailed onRetry={retry} /> : <Loading rows={6} />
  const { dataInventory, kind } = data.viewer
  return (
    <div className="held">
      <Intro version={dataInventory.policyVersion} />
      {dataInventory.groups.map((group) => (
        <HeldGroup key={group.name} group={group} isGuest={kind === 'GUEST'}>
          {group.name === 'cookies' && <HeldBrowser entries={dataInventory.browser} />}
        </HeldGroup>
      ))}
    </div>
  )
}

function Intro({ version }: { version: string }) {
  return (
    <div className="pb-6">
      <p className="max-w-prose text-sm text-ink-2">
        <Trans>
          This is everything, read from the database just now: each kind of data with what it is for, how long it stays, and the
          values themselves. What is encrypted there under your own key is opened for you here, and for nobody else.
        </Trans>
      </p>
      <ul className="no-print mt-3 flex flex-wrap gap-x-5 gap-y-1 text-sm">
        <li>
          <Link to="/settings/$page" params={{ page: 'activity' }} className={link}>
            <Trans>Who looked at it and changed it</Trans>
          </Link>
        </li>
        <li>
          <Link to="/settings/$page" params={{ page: 'data' }} className={link}>
            <Trans>Take it along or delete it</Trans>
          </Link>
        </li>
        <li>
          <Link to="/privacy" className={link}>
            <Trans>Privacy policy {version}</Trans>
          </Link>
        </li>
      </ul>
      <Button look="quiet" className="no-print -ml-3 mt-2" onClick={() => window.print()}>
        <Printer size={16} aria-hidden="true" />
        <Trans>Print</Trans>
      </Button>
    </div>
  )
}

const link = 'inline-flex min-h-8 items-center text-tide underline underline-offset-3 touch:min-h-11'

interface HeldGroupProps {
  group: Group
  isGuest: boolean
  /** What else there is of this kind. */
  children: ReactNode
}

function HeldGroup({ group, isGuest, children }: HeldGroupProps) {
  const { t } = useLingui()
  const { title, purpose } = groupWords(group)
  const tables = group.tables.map((table) => unmask(HeldTableFragmentDoc, table))
  const held = tables.filter(({ count }) => count > 0)
  const empty = tables.filter(({ count }) => count === 0)
  return (
    <Section title={title} note={purpose}>
      {held.length > 0 && (
        <ul className="divide-y divide-line overflow-hidden rounded-row border border-line bg-surface">
          {held.map((table) => (
            <HeldTable key={table.name} table={table} isGuest={isGuest} />
          ))}
        </ul>
      )}
      {empty.length > 0 && (
        <details className="group mt-3 text-sm text-ink-3">
          <summary className="inline-flex min-h-8 items-center gap-1 hover:text-ink-2 touch:min-h-11">
            {held.length > 0 ? t`Nothing is kept of these` : t`Nothing is kept here`}
            <ChevronDown size={15} aria-hidden="true" className="transition-transform group-open:rotate-180" />
          </summary>
          <ul className="mt-1 list-disc space-y-1 pl-5">
            {empty.map((table) => (
              <li key={table.name}>{tableWords(table)}</li>
            ))}
          </ul>
        </details>
      )}
      {children}
    </Section>
  )
}
