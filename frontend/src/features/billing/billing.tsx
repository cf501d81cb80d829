import { Loading, LoadFailed } from '@/components/page/load-state'
import { Balance } from './balance'
import { Ledger } from './ledger'
import { LowBalance } from './low-balance'
import { Packs } from './packs'
import { Purchases } from './purchases'
import { useBalance } from './use-billing'

const leave = (url: string) => location.assign(url)

/** The wallet: what is in it, how it is filled, and everything that moved it. */
export function Billing() {
  const { credits, packs, failed, retry } = useBalance()
  if (!credits) return failed ? <LoadFailed onRetry={retry} /> : <Loading rows={6} />
  return (
    <>
      <Balance credits={credits} canBuy={packs.length > 0} />
      <Packs packs={packs} onLeave={leave} />
      <LowBalance credits={credits} />
      <Purchases onLeave={leave} />
      <Ledger />
    </>
  )
}
