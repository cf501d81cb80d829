import { ConfirmStep } from './confirm-step'
import { Loading, LoadFailed } from './load-state'
import { useAccount } from './use-account'

interface KeyProofProps {
  /** The page to come back to. */
  returnTo: string
  /** Called just before the page is left: what was typed has to be kept. */
  onLeave(): void
  onCancel(): void
}

/** A key does much for its account: who makes one shows first that it is really him. */
export function KeyProof({ returnTo, onLeave, onCancel }: KeyProofProps) {
  const { account, failed, retry } = useAccount()
  if (failed) return <LoadFailed onRetry={retry} />
  if (!account) return <Loading />
  const linked = account.identities.map(({ provider }) => provider)
  return <ConfirmStep linked={linked} returnTo={returnTo} onLeave={onLeave} onCancel={onCancel} />
}
