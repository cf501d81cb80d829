import { useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'

/** The operator's pages. */
export const operatorPages = ['mails', 'notices', 'people', 'money', 'legal', 'audit', 'retention'] as const
export type OperatorPageName = (typeof operatorPages)[number]

/** What the pages are called. */
export function usePageNames(): Record<OperatorPageName, string> {
  const { t } = useLingui()
  return {
    mails: t`Outbox`,
    notices: t`Mails to everybody`,
    people: t`People`,
    money: t`Money`,
    legal: t`Disclosure`,
    audit: t`What was done`,
    retention: t`Retention`,
  }
}

/** The operator's pages side by side; a narrow screen wraps them. */
export function OperatorNav({ current }: { current: OperatorPageName }) {
  const { t } = useLingui()
  const names = usePageNames()
  return (
    <nav aria-label={t`Operator`} className="no-print mb-7 border-b border-line">
      <ul className="flex flex-wrap gap-x-1">
        {operatorPages.map((page) => (
          <li key={page}>
            <Link
              to="/operator/$page"
              params={{ page }}
              aria-current={page === current ? 'page' : undefined}
              className="flex min-h-10 items-center border-b-2 border-transparent px-3 text-sm whitespace-nowrap text-ink-2 transition-colors hover:text-ink aria-[current=page]:border-tide aria-[current=page]:font-semibold aria-[current=page]:text-ink touch:min-h-11"
            >
              {names[page]}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
