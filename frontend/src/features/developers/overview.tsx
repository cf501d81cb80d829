import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { ChartLine, Check, ChevronRight, CirclePlay, Copy, KeyRound, ScrollText, Terminal } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Section } from '@/components/page/section'
import { IconButton } from '@/components/ui/button'
import { copyText } from '@/lib/clipboard'
import { Limits } from './limits'
import { type DevelopersPageName, pathOf, usePageNames } from './nav'
import { Today } from './today'

/** Where programs find this installation, how it goes for them, and what there is to read. */
export function Overview({ hasAccount }: { hasAccount: boolean }) {
  const { t } = useLingui()
  const { origin } = location
  return (
    <>
      <p className="mb-7 max-w-prose text-ink-2">
        <Trans>
          Everything that this app does, your programs can do: over the same GraphQL schema with live answers, or with any client
          that speaks to OpenAI. Make a key, point the client here, and watch what it asks for.
        </Trans>
      </p>
      <div className="grid gap-x-14 lg:grid-cols-[minmax(0,1fr)_minmax(0,22rem)]">
        <div className="min-w-0">
          {hasAccount && <Today />}
          <Pages />
        </div>
        <div className="min-w-0 max-lg:mt-8">
          <Section title={t`Addresses`}>
            <dl className="space-y-3.5">
              <Address name={t`GraphQL, also over websockets`} value={`${origin}/graphql`} />
              <Address name={t`OpenAI-compatible`} value={`${origin}/v1`} />
              <Address name={t`The schema`} value={`${origin}/schema.graphql`} />
            </dl>
          </Section>
          <Limits />
        </div>
      </div>
    </>
  )
}

function Address({ name, value }: { name: string; value: string }) {
  const { t } = useLingui()
  const [copied, setCopied] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const copy = async () => {
    if (!(await copyText(value))) return
    setCopied(true)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setCopied(false), 2_000)
  }
  return (
    <div>
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd className="flex items-center gap-1">
        <code className="min-w-0 truncate font-mono text-sm">{value}</code>
        <IconButton label={t`Copy ${value}`} onClick={() => void copy()}>
          {copied ? <Check size={15} /> : <Copy size={15} />}
        </IconButton>
      </dd>
    </div>
  )
}

const icons: Partial<Record<DevelopersPageName, ReactNode>> = {
  keys: <KeyRound size={18} />,
  logs: <ScrollText size={18} />,
  analytics: <ChartLine size={18} />,
  playground: <CirclePlay size={18} />,
  'quick-starts': <Terminal size={18} />,
}

function Pages() {
  const { t } = useLingui()
  const names = usePageNames()
  const notes: Partial<Record<DevelopersPageName, string>> = {
    'quick-starts': t`Programs in several languages that work when pasted.`,
    keys: t`What a program needs: with scopes, an end and a limit of its own.`,
    playground: t`Try queries, subscriptions and chat completions, with completion and the whole schema beside them.`,
    logs: t`Every request as it happens: how it ended, what it cost, how long it took.`,
    analytics: t`Requests, errors, tokens and times by hour and day, by key and model.`,
  }
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-row border border-line bg-surface">
      {(Object.keys(notes) as DevelopersPageName[]).map((page) => (
        <li key={page}>
          <Link to={pathOf(page)} className="flex items-center gap-4 px-4 py-3.5 transition-colors hover:bg-hover">
            <span aria-hidden="true" className="text-ink-3">
              {icons[page]}
            </span>
            <span className="min-w-0 flex-1">
              <span className="block text-sm font-semibold">{names[page]}</span>
              <span className="block text-sm text-ink-2">{notes[page]}</span>
            </span>
            <ChevronRight size={17} aria-hidden="true" className="shrink-0 text-ink-3" />
          </Link>
        </li>
      ))}
    </ul>
  )
}
