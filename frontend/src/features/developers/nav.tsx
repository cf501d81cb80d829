import { useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import './developers.css'

/** The developers' pages. The playground has two, one for each interface. */
const developersPages = ['overview', 'keys', 'logs', 'analytics', 'playground', 'completions', 'quick-starts'] as const
export type DevelopersPageName = (typeof developersPages)[number]

/** The pages that are side by side. */
const tabs = developersPages.filter((page) => page !== 'completions')

/** The pages that show what only an account has. */
const accountPages = new Set<DevelopersPageName>(['keys', 'logs', 'analytics'])

/** Whether a page shows what only an account has. */
export function needsAccount(page: DevelopersPageName): boolean {
  return accountPages.has(page)
}

/** Where a page is. */
export function pathOf(page: DevelopersPageName): string {
  if (page === 'overview') return '/developers'
  return page === 'playground' ? '/graphiql' : `/developers/${page}`
}

/** The page at an address; undefined where there is none. */
export function pageAt(pathname: string): DevelopersPageName | undefined {
  const path = pathname.replace(/(?<=.)\/$/, '')
  return developersPages.find((page) => pathOf(page) === path)
}

/** What the pages are called. */
export function usePageNames(): Record<DevelopersPageName, string> {
  const { t } = useLingui()
  return {
    overview: t`Developers`,
    keys: t`API keys`,
    logs: t`Request logs`,
    analytics: t`Analytics`,
    playground: t`Playground`,
    completions: t`Playground`,
    'quick-starts': t`Quick starts`,
  }
}

/** The developers' pages side by side; a narrow screen scrolls them. */
export function DevelopersNav({ current: shown }: { current: DevelopersPageName }) {
  const { t } = useLingui()
  const current = shown === 'completions' ? 'playground' : shown
  const names = { ...usePageNames(), overview: t`Overview` }
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    const [strip, link] = [list.current, list.current?.querySelector('[aria-current]')]
    if (strip && link instanceof HTMLElement) strip.scrollLeft = link.offsetLeft - (strip.clientWidth - link.offsetWidth) / 2
  }, [current])
  return (
    <nav aria-label={t`Developers`} className="no-print -mx-5 wide:mx-0">
      <ul ref={list} className="dev-nav relative flex gap-1 overflow-x-auto border-b border-line px-4 wide:px-0">
        {tabs.map((page) => (
          <li key={page} className="shrink-0">
            <Link
              to={pathOf(page)}
              activeOptions={{ exact: true }}
              aria-current={page === current ? 'page' : undefined}
              className="flex min-h-10 items-center rounded-t-control border-b-2 border-transparent px-3 text-sm whitespace-nowrap text-ink-2 transition-colors hover:text-ink aria-[current=page]:border-tide aria-[current=page]:font-semibold aria-[current=page]:text-ink touch:min-h-11"
            >
              {names[page]}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
