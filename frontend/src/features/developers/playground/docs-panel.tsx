import { Trans, useLingui } from '@lingui/react/macro'
import type { GraphQLSchema } from 'graphql'
import { ChevronLeft } from 'lucide-react'
import { Fragment, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'
import { type Access, docsOf, type Entry, search, typeNames } from './docs'

/** Where one is in the schema: a type, and perhaps a field of it. */
export interface Place {
  type: string
  field: string | null
}

interface DocsPanelProps {
  schema: GraphQLSchema
  trail: readonly Place[]
  onTrail(trail: readonly Place[]): void
}

/** The whole schema: searched, or followed from type to type. */
export function DocsPanel({ schema, trail, onTrail }: DocsPanelProps) {
  const { t } = useLingui()
  const [words, setWords] = useState('')
  const wanted = useDeferredValue(words)
  const found = useMemo(() => search(schema, wanted), [schema, wanted])
  const here = trail.at(-1)
  const go = (place: Place) => {
    setWords('')
    onTrail([...trail, place])
  }
  return (
    <>
      <div className="border-b border-line p-2.5">
        <input
          type="search"
          value={words}
          onChange={(event) => setWords(event.target.value)}
          aria-label={t`Search the schema`}
          placeholder={t`Search the schema`}
          className="h-8 w-full rounded-control border border-control bg-surface px-2.5 text-sm placeholder:text-ink-3 touch:h-11"
        />
      </div>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it */}
      <div className="min-h-0 flex-1 overflow-y-auto p-3.5" tabIndex={0} role="region" aria-label={t`Schema`}>
        {wanted.trim() !== '' && (
          <ul className="space-y-0.5">
            {found.map(({ type, field, description }) => (
              <li key={`${type}.${field ?? ''}`}>
                <button
                  type="button"
                  onClick={() => go({ type, field })}
                  className="block w-full rounded-control px-2 py-1.5 text-left hover:bg-hover"
                >
                  <span className="block font-mono text-xs break-all">
                    {type}
                    {field && <span className="text-tide">.{field}</span>}
                  </span>
                  <span className="block truncate text-xs text-ink-3">{description.replaceAll('`', '')}</span>
                </button>
              </li>
            ))}
            {found.length === 0 && (
              <li className="px-2 text-sm text-ink-3">
                <Trans>Nothing fits.</Trans>
              </li>
            )}
          </ul>
        )}
        {wanted.trim() === '' && !here && <Index schema={schema} onGo={go} />}
        {wanted.trim() === '' && here && (
          <>
            <button
              type="button"
              onClick={() => onTrail(trail.slice(0, -1))}
              className="mb-2 -ml-1.5 inline-flex min-h-7 items-center gap-0.5 rounded-control pr-2 text-xs text-ink-2 hover:text-ink touch:min-h-11"
            >
              <ChevronLeft size={14} aria-hidden="true" />
              {trail.at(-2)?.type ?? t`All types`}
            </button>
            <TypePage key={`${trail.length} ${here.type}`} schema={schema} place={here} onGo={go} />
          </>
        )}
      </div>
    </>
  )
}

interface Going {
  onGo(place: Place): void
}

function Index({ schema, onGo }: Going & { schema: GraphQLSchema }) {
  const names = useMemo(() => typeNames(schema), [schema])
  return (
    <ul className="space-y-0.5">
      {names.map((name) => (
        <li key={name}>
          <TypeLink type={name} leadsTo={name} onGo={onGo} />
        </li>
      ))}
    </ul>
  )
}

function TypeLink({ type, leadsTo, onGo }: Going & { type: string; leadsTo: string }) {
  return (
    <button
      type="button"
      onClick={() => onGo({ type: leadsTo, field: null })}
      className="rounded-[3px] text-left font-mono text-xs break-all text-tide hover:underline touch:min-h-8"
    >
      {type}
    </button>
  )
}

function TypePage({ schema, place, onGo }: Going & { schema: GraphQLSchema; place: Place }) {
  const docs = useMemo(() => docsOf(schema, place.type), [schema, place.type])
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (place.field) box.current?.querySelector('[data-asked]')?.scrollIntoView({ block: 'center' })
    else box.current?.parentElement?.scrollTo({ top: 0 })
  }, [place])
  if (!docs) return null
  return (
    <div ref={box}>
      <h3 className="font-mono text-sm font-semibold break-all">
        {docs.name} <span className="font-sans text-xs font-normal text-ink-3">{docs.kind}</span>
      </h3>
      {docs.description && <Text>{docs.description}</Text>}
      <AccessLine access={docs.access} />
      <ul className="mt-3 divide-y divide-line border-t border-line">
        {docs.entries.map((entry) => (
          <li
            key={entry.name}
            data-asked={entry.name === place.field || undefined}
            className="-mx-1 px-1 py-2.5 data-asked:bg-tide-soft"
          >
            <EntryLine entry={entry} onGo={onGo} />
          </li>
        ))}
      </ul>
    </div>
  )
}

function EntryLine({ entry, onGo }: Going & { entry: Entry }) {
  const { name, type, leadsTo, args, description, access, deprecated } = entry
  return (
    <>
      <p className="font-mono text-xs break-words">
        {type === null && leadsTo ? (
          <TypeLink type={name} leadsTo={leadsTo} onGo={onGo} />
        ) : (
          <span className="font-semibold">{name}</span>
        )}
        {args.length > 0 && (
          <>
            (
            {args.map((arg, at) => (
              <span key={arg.name} title={arg.description}>
                {at > 0 && ', '}
                {arg.name}: <TypeLink type={arg.type} leadsTo={arg.leadsTo} onGo={onGo} />
              </span>
            ))}
            )
          </>
        )}
        {type !== null && leadsTo && (
          <>
            : <TypeLink type={type} leadsTo={leadsTo} onGo={onGo} />
          </>
        )}
      </p>
      {description && <Text>{description}</Text>}
      {deprecated && (
        <p className="mt-1 text-xs text-warn">
          <Trans>Deprecated: {deprecated}</Trans>
        </p>
      )}
      <AccessLine access={access} />
    </>
  )
}

/** Descriptions are short texts with code in backticks. */
function Text({ children }: { children: string }) {
  return (
    <p className="mt-1 text-xs leading-relaxed text-ink-2">
      {children.split(/(`[^`]*`)/).map((part, at) => {
        const key = `${at} ${part}`
        if (!part.startsWith('`')) return <Fragment key={key}>{part}</Fragment>
        return (
          <code key={key} className="font-mono text-2xs text-ink">
            {part.slice(1, -1)}
          </code>
        )
      })}
    </p>
  )
}

/** What a key needs, or that no key may. */
function AccessLine({ access }: { access: Access | null }) {
  if (!access) return null
  const keys = access.allow.includes('API_KEY')
  return (
    <p className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-0.5 text-2xs text-ink-3">
      {keys && access.scope && (
        <span className="rounded-full bg-tide-soft px-1.5 py-px text-ink">
          <Trans>
            scope <code className="font-mono">{access.scope}</code>
          </Trans>
        </span>
      )}
      {!keys && <Trans>not with a key</Trans>}
      {access.fresh && <Trans>needs a sign-in of the last ten minutes</Trans>}
    </p>
  )
}
