import { Loading, LoadFailed } from '@/components/page/load-state'
import { Adjust } from './adjust'
import { Books } from './books'
import { Comparisons } from './comparisons'
import { MoneyGlance } from './money-glance'
import { OddUsage } from './odd-usage'
import { Quarantine } from './quarantine'
import { useMoney } from './use-money'

interface MoneyProps {
  /** What went wrong on the way to the provider and back. */
  error: string | null
}

/** The money of the installation: whether the books are right, what waits for a decision, and the way to put something right. */
export function Money({ error }: MoneyProps) {
  const { money, ends, failed, refresh } = useMoney()
  if (failed) return <LoadFailed onRetry={refresh} />
  if (!money) return <Loading rows={5} />
  return (
    <>
      <MoneyGlance money={money} />
      <Quarantine payments={money.quarantined} end={ends.quarantined} onChanged={refresh} />
      <Adjust error={error} />
      <Books checks={money.checks} end={ends.checks} onChecked={refresh} />
      <Comparisons comparisons={money.comparisons} providers={money.providers} end={ends.comparisons} onCompared={refresh} />
      <OddUsage absurd={money.absurd} estimates={money.estimates} end={ends.absurd} onReviewed={refresh} />
    </>
  )
}
