import type { MessageDescriptor } from '@lingui/core'
import { msg } from '@lingui/core/macro'

interface Words {
  /** What happened. */
  title: MessageDescriptor
  /** What to do. */
  text: MessageDescriptor
}

const general: Words = {
  title: msg`Signing in didn’t work.`,
  text: msg`Try again, or choose another way to sign in.`,
}

const words: Record<string, Words> = {
  state: {
    title: msg`This sign-in was already used, or it was begun in another browser.`,
    text: msg`Begin again here.`,
  },
  expired: {
    title: msg`The sign-in took too long.`,
    text: msg`It has to be finished within ten minutes. Begin again.`,
  },
  denied: {
    title: msg`You didn’t agree at the provider.`,
    text: msg`Nothing was changed. Begin again, or choose another way to sign in.`,
  },
  upstream: {
    title: msg`The provider didn’t answer as it should.`,
    text: msg`Try again in a moment, or choose another way to sign in.`,
  },
  rate_limited: {
    title: msg`There were many sign-ins from your network.`,
    text: msg`Wait a minute, then try again.`,
  },
  email_unverified: {
    title: msg`The provider hasn’t confirmed your e-mail address.`,
    text: msg`Confirm it there first, or choose another way to sign in.`,
  },
  linked_elsewhere: {
    title: msg`This way to sign in belongs to another account.`,
    text: msg`Sign in with it to reach that account, and unlink it there first.`,
  },
  link_expired: {
    title: msg`This link doesn’t work any more.`,
    text: msg`It works once, and not for long. Ask for a new one; the operator makes it in the terminal: kimi-k2 admin sign-in-link`,
  },
  reauthenticate: {
    title: msg`It has to be clear that it is you.`,
    text: msg`Sign in once more, then repeat what you were doing.`,
  },
  age_refused: {
    title: msg`An account can’t be made for you yet.`,
    text: msg`Nothing about you was stored. The reason stands in the privacy policy.`,
  },
  unavailable: {
    title: msg`The server can’t sign anybody in now.`,
    text: msg`Nothing was changed. Try again in a moment.`,
  },
  unknown: {
    title: msg`This provider isn’t offered here.`,
    text: msg`Choose one of the ways to sign in below.`,
  },
  signed_out: {
    title: msg`You aren’t signed in any more.`,
    text: msg`Sign in, then repeat what you were doing.`,
  },
  ended: {
    title: msg`You have been signed out on this device.`,
    text: msg`Your session ended, or was ended from another device. Sign in again to go on; what you typed is kept for then.`,
  },
}

/** What to tell for a code of the server's; `failed` and codes to come get general words. */
export function signInWords(code: string): Words {
  return (Object.hasOwn(words, code) && words[code]) || general
}
