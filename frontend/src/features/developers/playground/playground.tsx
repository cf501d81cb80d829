import { Trans } from '@lingui/react/macro'
import { BookOpen, History } from 'lucide-react'
import { useState } from 'react'
import { LoadFailed } from '@/components/page/load-state'
import { Button } from '@/components/ui/button'
import { ApiChoice } from '@/features/developers/api-choice'
import { useStore } from '@/lib/store'
import { CallerChoice } from './caller-choice'
import { DocsPanel, type Place } from './docs-panel'
import { DocumentPane } from './document-pane'
import { type Operation, titleOf, variablesOf } from './document'
import { HistoryPanel } from './history-panel'
import { ResultPane } from './result-pane'
import { currentTab, edited, remembered, session, withoutTab, withTab } from './session'
import { TabStrip } from './tab-strip'
import { useRun } from './use-run'
import { useSchema } from './use-schema'

type Side = 'docs' | 'history'

/** A place to try the schema: documents, who asks, what comes back, and all that can be asked for. */
export function Playground() {
  const state = useStore(session)
  const { schema, failed, retry } = useSchema()
  const { result, busy, run, stop } = useRun()
  const [side, setSide] = useState<Side | null>(null)
  const [trail, setTrail] = useState<readonly Place[]>([])
  const tab = currentTab(state)
  const toggle = (wanted: Side) => setSide(side === wanted ? null : wanted)

  const onRun = (operation: Operation | undefined) => {
    const { query, variables } = tab
    const apiKey = state.caller === 'key' ? state.apiKey : null
    const name = operation?.name ?? titleOf(query) ?? ''
    const ask = { query, variables: variablesOf(variables) ?? {}, operationName: operation?.name ?? null, apiKey }
    run(ask, operation?.kind === 'subscription', (outcome) =>
      session.update((before) => remembered(before, { at: Date.now(), name, query, variables, outcome })),
    )
  }
  return (
    <div className="flex flex-col gap-3 pt-4 lg:h-[calc(100dvh-7.75rem)] lg:min-h-120">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-2">
          <ApiChoice current="playground" />
          <TabStrip
            tabs={state.tabs}
            current={tab.id}
            onChoose={(current) => session.update((before) => ({ ...before, current }))}
            onClose={(id) => session.update((before) => withoutTab(before, id))}
            onOpen={() => session.update((before) => withTab(before))}
          />
        </div>
        <div className="flex flex-wrap items-center gap-2">
          <CallerChoice
            caller={state.caller}
            apiKey={state.apiKey}
            onCaller={(caller) => session.update((before) => ({ ...before, caller }))}
            onKey={(apiKey) => session.update((before) => ({ ...before, apiKey }))}
          />
          <Button aria-pressed={side === 'history'} className="aria-pressed:bg-tide-soft" onClick={() => toggle('history')}>
            <History size={15} aria-hidden="true" className="max-sm:hidden" />
            <Trans>History</Trans>
          </Button>
          <Button aria-pressed={side === 'docs'} className="aria-pressed:bg-tide-soft" onClick={() => toggle('docs')}>
            <BookOpen size={15} aria-hidden="true" className="max-sm:hidden" />
            <Trans>Schema</Trans>
          </Button>
        </div>
      </div>
      {failed && <LoadFailed onRetry={retry} />}
      <div className={`grid min-h-0 flex-1 gap-3 ${side ? 'lg:grid-cols-[1fr_1fr_19rem]' : 'lg:grid-cols-2'}`}>
        <DocumentPane
          key={tab.id}
          tab={tab}
          schema={schema}
          busy={busy}
          canRun={state.caller === 'session' || state.apiKey !== ''}
          onEdit={(change) => session.update((before) => edited(before, change))}
          onOpen={(query, variables) => session.update((before) => withTab(before, query, variables))}
          onRun={onRun}
          onStop={stop}
          onDocs={(type, field) => {
            setSide('docs')
            setTrail((before) => [...before, { type, field }])
          }}
        />
        <ResultPane result={result} />
        {side && (
          <div className="fade-in flex max-h-[70vh] min-h-0 flex-col overflow-hidden rounded-row border border-line bg-surface max-lg:order-first lg:max-h-none">
            {side === 'docs' && schema && <DocsPanel schema={schema} trail={trail} onTrail={setTrail} />}
            {side === 'history' && (
              <HistoryPanel
                past={state.past}
                onOpen={({ query, variables }) => session.update((before) => withTab(before, query, variables))}
              />
            )}
          </div>
        )}
      </div>
    </div>
  )
}
