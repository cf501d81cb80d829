import { Trans, useLingui } from '@lingui/react/macro'
import { Play, Square } from 'lucide-react'
import { type ReactNode, useId } from 'react'
import { Button } from '@/components/ui/button'
import { Select } from '@/features/developers/select'
import type { ModelPartsFragment } from '@/gql/graphql'
import { type Draft, temperatureOf, tokensOf } from './request'
import { edit } from './session'

interface RequestPaneProps {
  draft: Draft
  model: string
  models: readonly ModelPartsFragment[]
  busy: boolean
  ready: boolean
  onRun(): void
  onStop(): void
}

const field =
  'block w-full rounded-control border border-control bg-surface px-2.5 text-sm text-ink placeholder:text-ink-3 aria-invalid:border-danger'

/** What is asked. */
export function RequestPane({ draft, model, models, busy, ready, onRun, onStop }: RequestPaneProps) {
  const { t } = useLingui()
  return (
    <form
      aria-label={t`Request`}
      className="overflow-hidden rounded-row border border-line bg-surface"
      onSubmit={(event) => {
        event.preventDefault()
        if (ready && !busy) onRun()
      }}
    >
      <div className="flex min-h-11 flex-wrap items-center justify-between gap-2 border-b border-line px-2.5 py-1.5">
        {busy ? (
          <Button look="danger" onClick={onStop}>
            <Square size={13} aria-hidden="true" />
            <Trans>Stop</Trans>
          </Button>
        ) : (
          <Button type="submit" look="primary" disabled={!ready} title="Ctrl+Enter">
            <Play size={13} aria-hidden="true" />
            <Trans>Run</Trans>
          </Button>
        )}
        <code className="font-mono text-xs text-ink-3">POST /v1/chat/completions</code>
      </div>
      <div className="space-y-3.5 p-3.5">
        <div className="grid grid-cols-2 gap-3 sm:grid-cols-[1fr_7rem_7rem]">
          <div className="col-span-2 sm:col-span-1">
            <Select
              label={t`Model`}
              value={model}
              options={models.map(({ id, name }) => ({ value: id, label: name }))}
              onChoose={(chosen) => edit({ model: chosen })}
            />
          </div>
          <Short
            label={t`Temperature`}
            value={draft.temperature}
            wrong={temperatureOf(draft.temperature) === undefined}
            hint="0–2"
            onChange={(temperature) => edit({ temperature })}
          />
          <Short
            label={t`Tokens at most`}
            value={draft.maxTokens}
            wrong={tokensOf(draft.maxTokens) === undefined}
            hint=""
            onChange={(maxTokens) => edit({ maxTokens })}
          />
        </div>
        <Long
          label={t`System`}
          rows={2}
          value={draft.system}
          hint={t`How the model is to answer; may stay empty.`}
          onChange={(system) => edit({ system })}
          onRun={ready && !busy ? onRun : undefined}
        />
        <Long
          label={t`Message`}
          rows={4}
          value={draft.message}
          hint=""
          onChange={(message) => edit({ message })}
          onRun={ready && !busy ? onRun : undefined}
        />
        <label className="flex min-h-8 w-fit items-center gap-2.5 text-sm touch:min-h-11">
          <input
            type="checkbox"
            className="size-4 accent-tide"
            checked={draft.stream}
            onChange={(event) => edit({ stream: event.target.checked })}
          />
          <Trans>Stream the answer</Trans>
        </label>
      </div>
    </form>
  )
}

interface FieldProps {
  label: string
  value: string
  hint: string
  onChange(value: string): void
}

function Named({ label, children }: { label: string; children(id: string): ReactNode }) {
  const id = useId()
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-1 block text-xs text-ink-3">
        {label}
      </label>
      {children(id)}
    </div>
  )
}

function Short({ label, value, hint, wrong, onChange }: FieldProps & { wrong: boolean }) {
  return (
    <Named label={label}>
      {(id) => (
        <input
          id={id}
          type="text"
          inputMode="decimal"
          autoComplete="off"
          value={value}
          placeholder={hint}
          aria-invalid={wrong || undefined}
          onChange={(event) => onChange(event.target.value)}
          className={`h-8 touch:h-11 ${field}`}
        />
      )}
    </Named>
  )
}

function Long({ label, value, hint, rows, onChange, onRun }: FieldProps & { rows: number; onRun: (() => void) | undefined }) {
  return (
    <Named label={label}>
      {(id) => (
        <textarea
          id={id}
          rows={rows}
          value={value}
          placeholder={hint}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onRun?.()
          }}
          className={`resize-y py-2 leading-6 ${field}`}
        />
      )}
    </Named>
  )
}
