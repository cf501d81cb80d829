import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { ArrowUp, Download, Pause, Play } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { Button } from '@/components/ui/button'
import { useKeys } from '@/features/developers/use-keys'
import { numberText } from '@/lib/credits'
import { csvAddress, isNarrow, type LogFilter, readFilter, wordsOf } from './filter'
import { LogFilters } from './log-filters'
import { LogList } from './log-list'
import { mostRows } from './log-state'
import { useLogs } from './use-logs'

interface LogsProps {
  asked: Partial<Record<string, string>>
  onChoose(words: Record<string, string>): void
}

/** What the account's keys asked for: as it happens, and back for 90 days. */
export function Logs({ asked, onChoose }: LogsProps) {
  const keys = useKeys()
  const filter = useMemo(() => readFilter(asked), [asked])
  const choose = (next: LogFilter) => onChoose(wordsOf(next))
  const name = JSON.stringify(filter)
  return (
    <>
      <p className="mb-5 max-w-prose text-sm text-ink-2">
        <Trans>
          One line for each request that came with one of your keys. What was asked and answered is never kept, nor the address it
          came from; the lines go after 90 days.
        </Trans>
      </p>
      <LogFilters filter={filter} keys={keys} onChoose={choose} />
      <Followed key={name} filter={filter} keys={keys} onChoose={choose} />
    </>
  )
}

interface FollowedProps {
  filter: LogFilter
  keys: ReturnType<typeof useKeys>
  onChoose(filter: LogFilter): void
}

function Followed({ filter, keys, onChoose }: FollowedProps) {
  const [paused, setPaused] = useState(false)
  const hold = useRef(false)
  const top = useRef<HTMLDivElement>(null)
  const atTop = useRef(true)
  const { state, retry, loadOlder, showWaiting } = useLogs(filter, hold)

  // Whoever reads further down isn't moved; back at the top everything is there.
  useEffect(() => {
    const node = top.current
    if (!node) return
    const observer = new IntersectionObserver(([entry]) => {
      atTop.current = entry?.isIntersecting === true
      hold.current = paused || !atTop.current
      if (!hold.current) showWaiting()
    })
    observer.observe(node)
    return () => observer.disconnect()
  }, [paused, showWaiting])

  const pause = (next: boolean) => {
    setPaused(next)
    hold.current = next || !atTop.current
    if (!hold.current) showWaiting()
  }
  const show = () => {
    showWaiting()
    top.current?.scrollIntoView({ block: 'center' })
  }
  const { phase, rows, waiting } = state
  return (
    <>
      <div ref={top} className="no-print mt-5 mb-3 flex min-h-9 flex-wrap items-center justify-between gap-x-4 gap-y-2">
        {filter.to ? <span /> : <FollowSwitch paused={paused} onPause={pause} />}
        <CsvLink filter={filter} />
      </div>
      <div className="pointer-events-none sticky top-14 z-10 flex h-0 justify-center">
        {waiting.length > 0 && <Waiting count={waiting.length} onShow={show} />}
      </div>
      <div className="@container">
        {phase === 'loading' && <Loading rows={8} />}
        {phase === 'failed' && <LoadFailed onRetry={retry} />}
        {phase === 'ready' && rows.length === 0 && <Empty narrow={isNarrow(filter)} onAll={() => onChoose({})} />}
        {rows.length > 0 && <LogList rows={rows} keys={keys} onKey={(key) => onChoose({ ...filter, key })} />}
        {phase === 'ready' && rows.length > 0 && <End state={state} onOlder={loadOlder} />}
      </div>
    </>
  )
}

/** Whether new requests are put in as they are made. */
function FollowSwitch({ paused, onPause }: { paused: boolean; onPause(next: boolean): void }) {
  return (
    <div className="flex items-center gap-3">
      <span role="status" className="flex items-center gap-2 text-sm text-ink-2">
        {paused ? (
          <Trans>Paused</Trans>
        ) : (
          <>
            <span className="lamp" aria-hidden="true" />
            <Trans>Live</Trans>
          </>
        )}
      </span>
      <Button look="quiet" onClick={() => onPause(!paused)}>
        {paused ? <Play size={15} aria-hidden="true" /> : <Pause size={15} aria-hidden="true" />}
        {paused ? <Trans>Follow</Trans> : <Trans>Pause</Trans>}
      </Button>
    </div>
  )
}

function Waiting({ count, onShow }: { count: number; onShow(): void }) {
  const shown = count >= mostRows ? `${numberText(count)}+` : numberText(count)
  return (
    <button
      type="button"
      onClick={onShow}
      className="fade-in pointer-events-auto inline-flex h-8 items-center gap-1.5 rounded-full border border-line bg-surface px-3.5 text-sm font-medium text-tide shadow-float touch:h-11"
    >
      <ArrowUp size={14} aria-hidden="true" />
      {plural(count, { one: `${shown} new`, other: `${shown} new` })}
    </button>
  )
}

function End({ state, onOlder }: { state: ReturnType<typeof useLogs>['state']; onOlder(): void }) {
  if (state.older === 'failed') return <LoadFailed onRetry={onOlder} />
  return (
    <div className="no-print flex justify-center pt-4 text-sm text-ink-3">
      {state.cursor !== null && (
        <Button onClick={onOlder} disabled={state.older === 'loading'}>
          <Trans>Older requests</Trans>
        </Button>
      )}
      {state.cursor === null && state.rows.length >= mostRows && (
        <Trans>The newest {numberText(mostRows)} are here. Narrow the time down, or download the rest.</Trans>
      )}
      {state.cursor === null && state.rows.length < mostRows && <Trans>These are all.</Trans>}
    </div>
  )
}

function Empty({ narrow, onAll }: { narrow: boolean; onAll(): void }) {
  const link = 'text-tide underline underline-offset-3'
  return (
    <div className="mt-14 text-center text-sm">
      <p className="text-md font-medium">{narrow ? <Trans>No request fits.</Trans> : <Trans>No request yet.</Trans>}</p>
      {narrow ? (
        <Button className="mt-3" onClick={onAll}>
          <Trans>Show all</Trans>
        </Button>
      ) : (
        <p className="mt-1 text-ink-2">
          <Trans>
            <Link to="/developers/$page" params={{ page: 'keys' }} className={link}>
              Make a key
            </Link>{' '}
            and run a{' '}
            <Link to="/developers/$page" params={{ page: 'quick-starts' }} className={link}>
              quick start
            </Link>
            : the request shows here at once.
          </Trans>
        </p>
      )}
    </div>
  )
}

function CsvLink({ filter }: { filter: LogFilter }) {
  const { t } = useLingui()
  const link = useRef<HTMLAnchorElement>(null)
  const [now] = useState(() => Date.now())
  return (
    <a
      ref={link}
      href={csvAddress(filter, now)}
      // Spans reach back from when it is asked for.
      onClick={() => link.current?.setAttribute('href', csvAddress(filter, Date.now()))}
      download
      title={t`The requests that the filter leaves`}
      className="inline-flex min-h-8 items-center gap-1.5 rounded-control border border-line-strong px-3 text-sm font-medium hover:bg-hover touch:min-h-11"
    >
      <Download size={15} aria-hidden="true" />
      <Trans>Download as CSV</Trans>
    </a>
  )
}
