import { Trans, useLingui } from '@lingui/react/macro'
import { ConfirmedButton } from '@/components/page/confirmed-button'
import { moment } from '@/components/page/moments'
import type { QuarantineDecision, QuarantineReason } from '@/gql/graphql'
import { factLines } from './glance'
import { paymentProviderName } from './provider-names'
import type { MoneyState } from './use-money'

type Payment = MoneyState['quarantined'][number]

interface QuarantinedPaymentProps {
  payment: Payment
  busy: boolean
  /** The decision that is asked about from the start. */
  asking: QuarantineDecision | null
  onDecide(decision: QuarantineDecision): void
}

/** One payment: why it waits, what was expected and found, and what can be decided. */
export function QuarantinedPayment({ payment, busy, asking, onDecide }: QuarantinedPaymentProps) {
  const { t } = useLingui()
  const provider = paymentProviderName(payment.provider)
  const reason = useReasonWords()[payment.reason]
  const resolutions: Record<string, string> = { CREDITED: t`credited`, DISMISSED: t`dismissed` }
  return (
    <li className="py-4">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <p className="text-sm font-medium">{reason}</p>
        <p className="text-xs text-ink-3">
          {provider} · {moment(payment.createdAt)}
        </p>
      </div>
      <p className="mt-0.5 text-xs break-all text-ink-3">
        <code className="font-mono select-all">{payment.eventId}</code>
        {payment.purchaseId && (
          <>
            {' · '}
            <code className="font-mono select-all">{payment.purchaseId}</code>
          </>
        )}
      </p>
      <Facts json={payment.facts} />
      {payment.resolvedAt === null ? (
        <div className="mt-3 flex flex-wrap gap-2">
          {payment.purchaseId && (
            <ConfirmedButton
              label={t`Credit it`}
              description={t`Credit ${payment.eventId}`}
              question={<Trans>The purchase is credited as it was ordered.</Trans>}
              disabled={busy}
              asking={asking === 'CREDIT'}
              onConfirm={() => onDecide('CREDIT')}
            />
          )}
          <ConfirmedButton
            label={t`Dismiss it`}
            description={t`Dismiss ${payment.eventId}`}
            question={<Trans>Nothing is credited; refund it at {provider} if that is right.</Trans>}
            disabled={busy}
            asking={asking === 'DISMISS'}
            onConfirm={() => onDecide('DISMISS')}
          />
        </div>
      ) : (
        <p className="mt-2 text-xs text-ink-2">
          {resolutions[payment.resolution] ?? payment.resolution} · {moment(payment.resolvedAt)}
        </p>
      )}
    </li>
  )
}

function Facts({ json }: { json: string }) {
  const { t } = useLingui()
  const lines = factLines(json)
  if (!lines) {
    return (
      <pre
        lang="en"
        className="mt-2 max-w-full overflow-x-auto rounded-row bg-sunken px-3 py-2 font-mono text-xs whitespace-pre-wrap break-all"
      >
        {json}
      </pre>
    )
  }
  return (
    <table className="mt-2 text-left text-xs">
      <caption className="sr-only">{t`Expected and found`}</caption>
      <thead>
        <tr className="text-ink-3 [&>*]:pr-6 [&>*]:font-normal">
          <th scope="col" className="sr-only">{t`What`}</th>
          <th scope="col">{t`Expected`}</th>
          <th scope="col">{t`Found`}</th>
        </tr>
      </thead>
      <tbody lang="en">
        {lines.map(({ name, expected, found }) => (
          <tr key={name} className="align-top [&>*]:pt-1 [&>*]:pr-6">
            <th scope="row" className="font-normal text-ink-2">
              {name}
            </th>
            <td className="break-all tabular-nums">{expected || '–'}</td>
            <td className={`break-all tabular-nums ${found === expected ? '' : 'font-semibold text-danger'}`}>{found || '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function useReasonWords(): Record<QuarantineReason, string> {
  const { t } = useLingui()
  return {
    UNKNOWN_PURCHASE: t`It belongs to no purchase of ours`,
    AMOUNT: t`Another amount was paid than the pack costs`,
    CURRENCY: t`It was paid in another currency`,
    MODE: t`Test money for a real purchase, or the reverse`,
    PRODUCT: t`Another product was paid than was bought`,
    ACCOUNT: t`Another account paid than bought`,
    CONTRADICTION: t`It contradicts what the provider told before`,
  }
}
