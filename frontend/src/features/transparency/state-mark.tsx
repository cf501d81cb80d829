import { useLingui } from '@lingui/react/macro'
import type { TransparencyState } from '@/gql/graphql'
import { looks } from './state-words'

/** A state beside what it is about; its words are for who can't tell signs and colours. */
export function StateMark({ state, size = 18 }: { state: TransparencyState; size?: number }) {
  const { i18n } = useLingui()
  const { icon: Icon, tone, words } = looks[state]
  return (
    <span className={`inline-flex shrink-0 ${tone}`}>
      <Icon size={size} aria-hidden="true" />
      <span className="sr-only">{i18n._(words)}: </span>
    </span>
  )
}
