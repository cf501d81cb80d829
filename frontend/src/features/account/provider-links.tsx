import { Trans } from '@lingui/react/macro'
import type { MouseEvent } from 'react'
import { flushDrafts } from '@/lib/drafts'
import { ask, missingStep } from '@/lib/questions'
import { type ServiceInfo, useServiceInfo } from '@/lib/service-info'
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

/**
 * One link for each provider. They are plain links: the server sends the browser on. What
 * has to be answered before an account can be made is asked here first.
 */
export function ProviderLinks({ providers, back, wish }: ProviderLinksProps) {
  const gate = useServiceInfo()?.viewer.gate
  const step = gate ? missingStep(gate) : null

  const begin = (event: MouseEvent<HTMLAnchorElement>) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    flushDrafts()
    if (!step) return
    event.preventDefault()
    const { href } = event.currentTarget
    ask({ code: step, message: '', place: 'SIGN_IN', passed: () => location.assign(href), closed: () => {} })
  }

  return (
    <ul className="flex flex-col gap-2.5">
      {providers.map(({ provider, name, path }) => (
        <li key={provider}>
          <a
            href={beginAddress(path, back, wish)}
            onClick={begin}
            className="flex min-h-11 items-center justify-center rounded-row border border-control bg-surface px-4 text-base font-medium transition-colors hover:bg-hover"
          >
            <Trans>Continue with {name}</Trans>
          </a>
        </li>
      ))}
    </ul>
  )
}
