import { useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { type DevelopersPageName, pathOf } from './nav'

type Api = Extract<DevelopersPageName, 'playground' | 'completions'>

/** Which interface is tried. */
export function ApiChoice({ current }: { current: Api }) {
  const { t } = useLingui()
  const names: Record<Api, string> = { playground: 'GraphQL', completions: t`Chat completions` }
  return (
    <nav aria-label={t`Interface`} className="inline-flex rounded-control border border-line-strong p-0.5">
      {(['playground', 'completions'] as const).map((api) => (
        <Link
          key={api}
          to={pathOf(api)}
          aria-current={api === current ? 'page' : undefined}
          className="inline-flex min-h-8 items-center rounded-[4px] px-2.5 text-sm whitespace-nowrap text-ink-2 transition-colors hover:text-ink aria-[current=page]:bg-tide-soft aria-[current=page]:text-ink touch:min-h-10"
        >
          {names[api]}
        </Link>
      ))}
    </nav>
  )
}
