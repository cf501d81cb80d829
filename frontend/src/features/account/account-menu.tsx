import { useLingui } from '@lingui/react/macro'
import { useNavigate } from '@tanstack/react-router'
import { ChartColumn, ChevronsUpDown, CodeXml, Coins, Landmark, LogOut, ScrollText, Settings } from 'lucide-react'
import { Menu, type MenuItem } from '@/components/ui/menu'
import type { ServiceInfo } from '@/lib/service-info'
import { drawer } from '@/lib/ui-state'
import { signOut } from './sign-out'

type Account = NonNullable<ServiceInfo['viewer']['account']>

/** Who is signed in, and the ways to what is this person's. */
export function AccountMenu({ account }: { account: Account }) {
  const { t } = useLingui()
  const navigate = useNavigate()
  const name = account.name || account.email || t`Operator`
  const go = (to: string) => () => {
    drawer.set('closed')
    void navigate({ to })
  }
  const items: MenuItem[] = [
    { key: 'billing', label: t`Billing`, icon: <Coins size={16} />, select: go('/billing') },
    { key: 'usage', label: t`Usage`, icon: <ChartColumn size={16} />, select: go('/usage') },
    { key: 'developers', label: t`Developers`, icon: <CodeXml size={16} />, select: go('/developers') },
    { key: 'settings', label: t`Settings`, icon: <Settings size={16} />, select: go('/settings') },
    ...(account.role === 'ADMIN'
      ? [{ key: 'operator', label: t`Operator`, icon: <Landmark size={16} />, select: go('/operator') }]
      : []),
    { key: 'privacy', label: t`Privacy policy`, icon: <ScrollText size={16} />, select: go('/privacy') },
    { key: 'sign-out', label: t`Sign out`, icon: <LogOut size={16} />, select: () => void signOut() },
  ]
  return (
    <Menu
      label={t`Account of ${name}`}
      items={items}
      buttonClass="flex min-h-12 w-full items-center gap-2.5 rounded-row px-3 py-1.5 text-left transition-colors hover:bg-hover"
    >
      <span className="min-w-0 flex-1">
        <bdi className="block truncate text-sm font-medium text-ink">{name}</bdi>
        {account.email && account.email !== name && <bdi className="block truncate text-xs text-ink-3">{account.email}</bdi>}
      </span>
      <ChevronsUpDown size={15} className="shrink-0 text-ink-3" />
    </Menu>
  )
}
