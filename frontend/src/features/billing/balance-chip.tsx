import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { Coins } from 'lucide-react'
import { creditsText, zeroCredits } from '@/lib/credits'
import { useBalance } from './use-billing'

/** What can be spent, on every page of the chat; nothing where nothing is sold or was given. */
export function BalanceChip() {
  const { t } = useLingui()
  const { credits, packs } = useBalance()
  if (!credits || (packs.length === 0 && credits.balance === zeroCredits)) return null
  const amount = creditsText(credits.available)
  const balance = plural(Number(credits.available), { one: `Balance: ${amount} credit`, other: `Balance: ${amount} credits` })
  const worrying = credits.low || credits.owed !== zeroCredits
  return (
    <Link
      to="/billing"
      aria-label={worrying ? t`${balance}, low` : balance}
      title={t`Credits that you can spend`}
      className={`inline-flex min-h-8 shrink-0 items-center gap-1.5 rounded-control px-2 text-sm tabular-nums transition-colors hover:bg-hover touch:min-h-11 ${worrying ? 'text-warn' : 'text-ink-2 hover:text-ink'}`}
    >
      <Coins size={15} aria-hidden="true" />
      {amount}
      {worrying && (
        <span className="text-xs">
          <Trans>low</Trans>
        </span>
      )}
    </Link>
  )
}
