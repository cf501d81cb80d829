import { i18n } from '@lingui/core'
import { Trans, useLingui } from '@lingui/react/macro'
import { type GraphQLSchema, parse, print } from 'graphql'
import { Play, Sparkles, Square, SquareTerminal } from 'lucide-react'
import { useId, useMemo, useState } from 'react'
import { Button, IconButton } from '@/components/ui/button'
import { copyText } from '@/lib/clipboard'
import { showToast } from '@/lib/toasts'
import { CodeEditor } from './code-editor'
import { curlOf, type Operation, operationAt, operationsOf, variablesOf } from './document'
import { examples } from './examples'
import type { Tab } from './session'

interface DocumentPaneProps {
  tab: Tab
  schema: GraphQLSchema | null
  busy: boolean
  canRun: boolean
  onEdit(change: Partial<Pick<Tab, 'query' | 'variables'>>): void
  onOpen(query: string, variables: string): void
  onRun(operation: Operation | undefined): void
  onStop(): void
  onDocs(type: string, field: string | null): void
}

/** A document and its variables, and what can be done with them. */
export function DocumentPane({ tab, schema, busy, canRun, onEdit, onOpen, onRun, onStop, onDocs }: DocumentPaneProps) {
  const { t } = useLingui()
  const variablesId = useId()
  const [chosen, setChosen] = useState<string | null>(null)
  const operations = useMemo(() => operationsOf(tab.query), [tab.query])
  const operation = operations.find(({ name }) => name !== null && name === chosen) ?? operations[0]
  const variables = variablesOf(tab.variables)
  const ready = canRun && variables !== null && tab.query.trim() !== ''
  const run = (wanted: Operation | undefined) => {
    if (ready) onRun(wanted)
  }
  return (
    <section
      id="document"
      role="tabpanel"
      aria-labelledby={`document-${tab.id}`}
      className="flex min-h-0 min-w-0 flex-col overflow-hidden rounded-row border border-line bg-surface"
    >
      <div className="flex min-h-11 flex-wrap items-center gap-2 border-b border-line px-2.5 py-1.5">
        {busy ? (
          <Button look="danger" onClick={onStop}>
            <Square size={13} aria-hidden="true" />
            <Trans>Stop</Trans>
          </Button>
        ) : (
          <Button look="primary" disabled={!ready} onClick={() => run(operation)} title="Ctrl+Enter">
            <Play size={13} aria-hidden="true" />
            <Trans>Run</Trans>
          </Button>
        )}
        {operations.length > 1 && (
          <Picker
            label={t`Operation`}
            value={operation?.name ?? ''}
            options={operations.map(({ name }) => name ?? '')}
            onChoose={setChosen}
          />
        )}
        <span className="flex-1" />
        <Examples onOpen={onOpen} />
        <IconButton
          label={t`Tidy up`}
          disabled={operations.length === 0}
          onClick={() => tidy(tab.query, onEdit, t`That would lose the comments.`)}
        >
          <Sparkles size={15} />
        </IconButton>
        <IconButton
          label={t`Copy as curl`}
          disabled={operations.length === 0}
          onClick={() => void copyText(curlOf(location.origin, tab.query, variables ?? {}, operation))}
        >
          <SquareTerminal size={16} />
        </IconButton>
      </div>
      <CodeEditor
        label={t`Document`}
        language="graphql"
        text={tab.query}
        hint="query { … }"
        schema={schema}
        onChange={(query) => onEdit({ query })}
        onRun={(place) => run(operationAt(operations, place))}
        onDocs={onDocs}
        className="flex-1 max-lg:h-80 max-lg:flex-none"
      />
      <div className="border-t border-line">
        <h2 id={variablesId} className="flex items-baseline justify-between px-3.5 pt-2 text-xs text-ink-3">
          <Trans>Variables</Trans>
          {variables === null && (
            <span role="alert" className="text-danger">
              <Trans>This must be an object of JSON.</Trans>
            </span>
          )}
        </h2>
        <CodeEditor
          label={t`Variables`}
          language="json"
          text={tab.variables}
          hint={'{ "name": "value" }'}
          onChange={(text) => onEdit({ variables: text })}
          onRun={() => run(operation)}
          className="h-32"
        />
      </div>
    </section>
  )
}

/** Lays a document out anew, unless something would be lost by that. */
function tidy(query: string, onEdit: DocumentPaneProps['onEdit'], refusal: string): void {
  if (/^[^"]*#/m.test(query)) showToast({ text: refusal, tone: 'plain' })
  else onEdit({ query: `${print(parse(query))}\n` })
}

const select =
  'h-8 max-w-32 sm:max-w-44 min-w-0 truncate rounded-control border border-line-strong bg-surface px-1.5 text-sm touch:h-11'

function Examples({ onOpen }: Pick<DocumentPaneProps, 'onOpen'>) {
  const { t } = useLingui()
  return (
    <select
      aria-label={t`Examples`}
      value=""
      onChange={(event) => {
        const example = examples[Number(event.target.value)]
        if (example) onOpen(example.query, example.variables())
      }}
      className={select}
    >
      <option value="" disabled>
        {t`Examples`}
      </option>
      {examples.map(({ name, query }, at) => (
        <option key={query} value={at}>
          {i18n._(name)}
        </option>
      ))}
    </select>
  )
}

interface PickerProps {
  label: string
  value: string
  options: readonly string[]
  onChoose(value: string): void
}

function Picker({ label, value, options, onChoose }: PickerProps) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onChoose(event.target.value)} className={select}>
      {options.map((option) => (
        <option key={option} value={option}>
          {option}
        </option>
      ))}
    </select>
  )
}
