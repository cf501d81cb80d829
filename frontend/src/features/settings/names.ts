import type { MessageDescriptor } from '@lingui/core'
import { i18n } from '@lingui/core'
import { msg } from '@lingui/core/macro'
import type { AcceptanceMethod, ConsentKind } from '@/gql/graphql'

/** The kinds of consent in the order to show them. */
export const consentKinds: readonly ConsentKind[] = ['PREFERENCES_COOKIE', 'EXTERNAL_INFERENCE', 'SHARE', 'MARKETING']

const consents: Record<ConsentKind, { title: MessageDescriptor; note: MessageDescriptor }> = {
  PREFERENCES_COOKIE: {
    title: msg`Remember my preferences`,
    note: msg`A cookie keeps theme, language and send key in this browser. Without it they are forgotten when the tab is closed.`,
  },
  EXTERNAL_INFERENCE: {
    title: msg`Answers by an external service`,
    note: msg`Your messages are sent to an inference service that somebody else runs, when this installation uses one. Without it such an engine can’t be used.`,
  },
  SHARE: {
    title: msg`Sharing by link`,
    note: msg`You may publish single conversations by a link. Nothing is published before you do so. When you take this back, all your links end.`,
  },
  MARKETING: {
    title: msg`News by e-mail`,
    note: msg`Now and then a mail about what is new. Mails about your account and its security come in any case.`,
  },
}

/** What a consent is about. */
export function consentWords(kind: ConsentKind): { title: string; note: string } {
  const { title, note } = consents[kind]
  return { title: i18n._(title), note: i18n._(note) }
}

const methods: Record<AcceptanceMethod, MessageDescriptor> = {
  COMPOSER: msg`beside a message`,
  SIGN_IN: msg`while signing in`,
  SETTINGS: msg`in the settings`,
  API: msg`by a program`,
}

/** Where the policy was accepted. */
export function methodWords(method: AcceptanceMethod): string {
  return i18n._(methods[method])
}
