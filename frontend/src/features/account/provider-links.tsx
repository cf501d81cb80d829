import { Trans } from '@lingui/react/macro'
import { flushDrafts } from '@/lib/drafts'
import type { ServiceInfo } from '@/lib/service-info'
import type { GuestWish } from './guest-choice'

interface ProviderLinksProps {
  providers: ServiceInfo['providers']
  back: string
  wish: GuestWish
}

/** The address that begins a sign-in. */
export function beginAddress(path: string, back: string, wish: GuestWish): string {
  const query = new URLSearchParams({ return: back })
  if (wish === 'discard') query.set('guest', 'discard')
  return `${path}?${query.toString()}`
}

/** The address that goes on with a sign-in that waits in this browser for an answer. */
export function resumeAddress(path: string, back: string, wish: GuestWish): string {
  return `${beginAddress(path, back, wish)}&resume=1`
}

/**
 * One link for each provider. They are plain links: the server sends the browser on. Who
 * has no account yet is asked for age and policy when the provider has said so.
 */
export function ProviderLinks({ providers, back, wish }: ProviderLinksProps) {
  return (
    <ul className="flex flex-col gap-2.5">
      {providers.map(({ provider, name, path }) => (
        <li key={provider}>
          <a
            href={beginAddress(path, back, wish)}
            onClick={flushDrafts}
            className="flex min-h-11 items-center justify-center rounded-row border border-control bg-surface px-4 text-base font-medium transition-colors hover:bg-hover"
          >
            <Trans>Continue with {name}</Trans>
          </a>
        </li>
      ))}
    </ul>
  )
}
