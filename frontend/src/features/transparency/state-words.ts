import { msg } from '@lingui/core/macro'
import type { MessageDescriptor } from '@lingui/core'
import { CircleAlert, CircleCheck, CircleX } from 'lucide-react'
import type { TransparencyState } from '@/gql/graphql'

/** How a state is drawn: a sign and a colour, always with words. */
export const looks: Record<TransparencyState, { icon: typeof CircleCheck; tone: string; words: MessageDescriptor }> = {
  GREEN: { icon: CircleCheck, tone: 'text-ok', words: msg`Kept` },
  AMBER: { icon: CircleAlert, tone: 'text-warn', words: msg`Not certain` },
  RED: { icon: CircleX, tone: 'text-danger', words: msg`Broken` },
}

/** From good to bad. */
export const states: readonly TransparencyState[] = ['GREEN', 'AMBER', 'RED']
