import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { useQuery } from 'urql'
import { unmask } from '@/gql/fragment-masking'
import { ActPartsFragmentDoc, type MessagePartsFragment, ReplyActsDocument } from '@/gql/graphql'
import { creditsText, exactCredits, numberText, zeroCredits } from '@/lib/credits'
import { ActLines } from '@/components/cost/act-lines'
import { Popover } from './popover'

type Counted = MessagePartsFragment & { usage: NonNullable<MessagePartsFragment['usage']>; credits: string }

/** What an answer cost, as quiet as its model's name; more of it when it is pressed. */
export function ReplyCost({ message }: { message: Counted }) {
  const { t } = useLingui()
  const { usage, credits } = message
  const amount = creditsText(credits)
  const count = usage.promptTokens + usage.outputTokens
  const counted = numberText(count)
  const tokens = plural(count, { one: `${counted} token`, other: `${counted} tokens` })
  // What costs nothing is told by its tokens: a zero under every answer says nothing.
  const free = credits === zeroCredits
  return (
    <Popover
      label={
        free
          ? t`${tokens}: what this answer used`
          : plural(Number(credits), {
              one: `${amount} credit: how it comes about`,
              other: `${amount} credits: how they come about`,
            })
      }
      title={tokens}
      buttonClass="-my-1 inline-flex min-h-8 items-center rounded-control px-1.5 text-xs text-ink-3 tabular-nums transition-colors hover:bg-hover hover:text-ink touch:min-h-11"
      content={() => <Breakdown message={message} />}
    >
      <data value={credits}>
        {free ? tokens : plural(Number(credits), { one: `${amount} credit`, other: `${amount} credits` })}
      </data>
      {usage.estimated && (
        <span className="ml-1" title={t`estimated`}>
          ≈
        </span>
      )}
    </Popover>
  )
}

function Breakdown({ message: { id, credits } }: { message: Counted }) {
  const { t } = useLingui()
  const [{ data, error, fetching }] = useQuery({
    query: ReplyActsDocument,
    variables: { id },
    requestPolicy: 'cache-and-network',
  })
  const reply = data?.node?.__typename === 'Message' ? data.node : null
  const acts = reply?.acts.map((act) => unmask(ActPartsFragmentDoc, act)) ?? []
  return (
    <>
      <p className="flex items-baseline justify-between gap-4">
        <span className="font-semibold">
          <Trans>This answer</Trans>
        </span>
        <span className="font-semibold tabular-nums">
          <data value={credits}>{exactCredits(credits)}</data> {Number(credits) === 1 ? t`credit` : t`credits`}
        </span>
      </p>
      {!reply && fetching && <div className="late shade mt-3 h-20" />}
      {!reply && !fetching && error && (
        <p className="mt-2 text-ink-3">
          <Trans>How they come about can’t be loaded now.</Trans>
        </p>
      )}
      {acts.map((act, at) => (
        <ActLines key={act.id} act={act} place={acts.length > 1 ? at + 1 : null} />
      ))}
    </>
  )
}
