import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import {
  ChevronRight,
  FileSearch,
  FolderDown,
  History,
  KeyRound,
  Laptop,
  LogIn,
  Palette,
  ShieldCheck,
  UserRound,
} from 'lucide-react'
import type { ReactNode } from 'react'

/** The pages of the settings. */
export const settingsPages = [
  'profile',
  'appearance',
  'sessions',
  'identities',
  'keys',
  'activity',
  'privacy',
  'held',
  'data',
] as const
export type SettingsPageName = (typeof settingsPages)[number]

/** The pages that make sense without an account. */
const forEverybody = new Set<SettingsPageName>(['appearance', 'activity', 'privacy', 'held', 'data'])

/** Whether a page shows what only an account has. */
export function needsAccount(page: SettingsPageName): boolean {
  return !forEverybody.has(page)
}

const icons: Record<SettingsPageName, ReactNode> = {
  profile: <UserRound size={17} />,
  appearance: <Palette size={17} />,
  sessions: <Laptop size={17} />,
  identities: <LogIn size={17} />,
  keys: <KeyRound size={17} />,
  activity: <History size={17} />,
  privacy: <ShieldCheck size={17} />,
  held: <FileSearch size={17} />,
  data: <FolderDown size={17} />,
}

/** What the pages are called. */
export function usePageNames(): Record<SettingsPageName, string> {
  const { t } = useLingui()
  return {
    profile: t`Profile`,
    appearance: t`Appearance`,
    sessions: t`Devices`,
    identities: t`Ways to sign in`,
    keys: t`API keys`,
    activity: t`Activity`,
    privacy: t`Privacy choices`,
    held: t`What we hold`,
    data: t`Your data`,
  }
}

interface SettingsNavProps {
  current: SettingsPageName | null
  hasAccount: boolean
  /** Beside the page it shows, or as a list that leads to it. */
  shape: 'side' | 'list'
}

/** The pages of the settings, as links. */
export function SettingsNav({ current, hasAccount, shape }: SettingsNavProps) {
  const { t } = useLingui()
  const names = usePageNames()
  const row =
    shape === 'side'
      ? 'min-h-9 rounded-row px-3 text-sm hover:bg-hover aria-[current=page]:bg-hover aria-[current=page]:font-semibold aria-[current=page]:text-ink'
      : 'min-h-13 px-4 hover:bg-hover'
  return (
    <nav aria-label={t`Settings`}>
      <ul
        className={
          shape === 'side' ? 'space-y-0.5' : 'divide-y divide-line overflow-hidden rounded-row border border-line bg-surface'
        }
      >
        {settingsPages
          .filter((page) => hasAccount || !needsAccount(page))
          .map((page) => (
            <li key={page}>
              <Link
                to="/settings/$page"
                params={{ page }}
                aria-current={page === current ? 'page' : undefined}
                className={`flex items-center gap-3 text-ink-2 transition-colors touch:min-h-11 ${row}`}
              >
                <span aria-hidden="true">{icons[page]}</span>
                <span className="flex-1">{names[page]}</span>
                {shape === 'list' && <ChevronRight size={17} aria-hidden="true" className="text-ink-3" />}
              </Link>
            </li>
          ))}
      </ul>
      {!hasAccount && (
        <p className={`mt-4 text-sm text-ink-3 ${shape === 'side' ? 'px-3' : ''}`}>
          <Trans>
            <Link to="/sign-in" search={{ return: '/settings' }} className="text-tide underline underline-offset-3">
              Sign in
            </Link>{' '}
            to see your profile and devices here.
          </Trans>
        </p>
      )}
    </nav>
  )
}
