import { Trans, useLingui } from '@lingui/react/macro'
import { useCallback } from 'react'
import { useQuery } from 'urql'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { returnedText } from '@/components/page/refusal-words'
import { Section } from '@/components/page/section'
import { useRefresh } from '@/components/page/use-refresh'
import { Notice } from '@/components/ui/notice'
import { unmask } from '@/gql/fragment-masking'
import { OperatorLegalDocument, OperatorLegalRequestFragmentDoc, OperatorOpeningFragmentDoc } from '@/gql/graphql'
import { LegalForm } from './legal-form'
import { LegalRow } from './legal-row'
import { OpeningForm } from './opening-form'
import { OpeningRow } from './opening-row'

/** Milliseconds between two looks: another administrator may have answered. */
const every = 15_000

/** The two ways in which others see what is somebody's: requests of authorities, and openings. */
export function Legal({ error }: { error: string | null }) {
  const { t } = useLingui()
  const [{ data, error: failed, fetching }, execute] = useQuery({
    query: OperatorLegalDocument,
    requestPolicy: 'cache-and-network',
  })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  const back = returnedText(error)
  if (!data) return failed && !fetching ? <LoadFailed onRetry={retry} /> : <Loading />
  const requests = data.operator.legalRequests.nodes.map((node) => unmask(OperatorLegalRequestFragmentDoc, node))
  const openings = data.operator.openings.nodes.map((node) => unmask(OperatorOpeningFragmentDoc, node))
  return (
    <>
      {back && (
        <div className="mb-6">
          <Notice tone="danger" role="status">
            {back}
          </Notice>
        </div>
      )}
      <Section
        title={t`Requests of authorities`}
        note={t`Write down who asks, by which law, and for what exactly, before anything is decided. At most what was asked for can be given. Whom it is about is told, unless something forbids it. How many there were is public.`}
      >
        <LegalForm onDone={retry} />
        {requests.length === 0 ? (
          <p className="mt-5 text-sm text-ink-3">
            <Trans>No authority has asked for anything.</Trans>
          </p>
        ) : (
          <ul aria-label={t`Requests of authorities`} className="mt-5 divide-y divide-line border-t border-line">
            {requests.map((request) => (
              <LegalRow key={request.id} request={request} onChanged={retry} />
            ))}
          </ul>
        )}
      </Section>
      <Section
        title={t`Break glass`}
        note={t`Nobody here can read conversations. If it can’t be avoided, one administrator asks for conversations by their ids and says why, another one approves it, and then the first may read them for an hour. Their owner sees every step, and gets a mail.`}
      >
        <OpeningForm onDone={retry} />
        {openings.length === 0 ? (
          <p className="mt-5 text-sm text-ink-3">
            <Trans>No conversation was ever opened.</Trans>
          </p>
        ) : (
          <ul aria-label={t`Break glass`} className="mt-5 divide-y divide-line border-t border-line">
            {openings.map((opening) => (
              <OpeningRow key={opening.id} opening={opening} me={data.viewer.account?.id ?? ''} onChanged={retry} />
            ))}
          </ul>
        )}
      </Section>
    </>
  )
}
