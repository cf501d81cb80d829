import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Mark } from '@/components/ui/mark'
import { SupportLine } from '@/components/ui/support-line'
import { type ServiceInfo, useServiceInfo } from '@/lib/service-info'
import { GuestChoice, type GuestWish } from './guest-choice'
import { ProviderLinks, resumeAddress } from './provider-links'
import { NeedNotice, SignInNotice } from './sign-in-notice'
import { useNeed } from './use-need'

export interface SignInProps {
  /** The page to come back to. */
  back: string
  /** Why the last try ended. */
  error: string | null
  /** What the server wants to be answered first. */
  need: string | null
  /** The provider that was tried. */
  tried: string | null
  /** The provider that the person has an account with. */
  use: string | null
  /** What was chosen for a guest's conversations before. */
  wish: GuestWish
}

/** The ways to sign in, exactly those that are set up. */
export function SignIn(props: SignInProps) {
  const info = useServiceInfo()
  if (!info) return null
  const { service, viewer } = info
  return (
    <div className="mx-auto flex w-full max-w-104 flex-col gap-5 px-5 pt-[max(1rem,8vh)] pb-10">
      <header className="flex flex-col items-center gap-3 text-center">
        <Mark size={34} />
        <h1 className="text-xl font-medium tracking-tight">
          <Trans>Sign in to {service.name}</Trans>
        </h1>
      </header>
      <SignInNotice {...props} />
      {viewer.account ? <SignedIn account={viewer.account} back={props.back} /> : <Ways info={info} {...props} />}
      <p className="text-center text-xs leading-5 text-ink-3">
        <Trans>
          By using {service.name} you consent to the{' '}
          <Link to="/privacy" className="text-ink-2 underline underline-offset-3">
            privacy policy
          </Link>
          .
        </Trans>
      </p>
      <div className="text-center">
        <SupportLine />
      </div>
    </div>
  )
}

function Ways({ info, back, need, tried, wish: before }: SignInProps & { info: ServiceInfo }) {
  const [wish, setWish] = useState<GuestWish>(before)
  const path = info.providers.find(({ provider }) => provider.toLowerCase() === tried)?.path
  const askNow = useNeed(need, tried === 'operator' ? back : path && resumeAddress(path, back, wish))
  return (
    <>
      {askNow && <NeedNotice onAnswer={askNow} />}
      {info.viewer.kind === 'GUEST' && info.viewer.id !== null && info.providers.length > 0 && (
        <GuestChoice wish={wish} onChoose={setWish} />
      )}
      {info.providers.length === 0 && !askNow && <OperatorOnly name={info.service.name} />}
      <ProviderLinks providers={info.providers} back={back} wish={wish} />
    </>
  )
}

function OperatorOnly({ name }: { name: string }) {
  return (
    <div className="space-y-3 rounded-row border border-line px-5 py-4 text-sm">
      <p className="font-medium">
        <Trans>No sign-in provider is set up here yet.</Trans>
      </p>
      <p className="text-ink-2">
        <Trans>
          You can use {name} as a guest. Whoever runs this installation signs in with a link that works once. It is printed in the
          terminal at the start, or by this command:
        </Trans>
      </p>
      <p className="rounded-control bg-sunken px-3 py-2 font-mono text-xs break-words">kimi-k2 admin sign-in-link</p>
      <p>
        <Link to="/" className="text-tide underline underline-offset-3">
          <Trans>Go on as a guest</Trans>
        </Link>
      </p>
    </div>
  )
}

function SignedIn({ account, back }: { account: NonNullable<ServiceInfo['viewer']['account']>; back: string }) {
  const { t } = useLingui()
  const name = account.name || account.email || t`the operator`
  return (
    <div className="space-y-3 rounded-row border border-line px-5 py-4 text-center text-sm">
      <p>
        <Trans>
          You are signed in as <bdi className="font-medium break-words">{name}</bdi>.
        </Trans>
      </p>
      <p>
        <a href={back.startsWith('/auth/') ? '/' : back} className="text-tide underline underline-offset-3">
          <Trans>Go on</Trans>
        </a>
      </p>
    </div>
  )
}
