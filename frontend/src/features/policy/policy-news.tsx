import { Trans, useLingui } from '@lingui/react/macro'
import { useState } from 'react'
import { useQuery } from 'urql'
import { Button } from '@/components/ui/button'
import { PolicyAcknowledgeDocument, PolicyNewsDocument, type PolicyNewsQuery } from '@/gql/graphql'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'

type News = NonNullable<PolicyNewsQuery['viewer']['gate']['news']>

/** Tells of the version that the viewer hasn't seen. */
export function PolicyNews() {
  const [{ data }] = useQuery({ query: PolicyNewsDocument })
  const news = data?.viewer.gate.news
  return news ? <Line news={news} /> : null
}

/** A line over the page about a new version of the policy. Accepting it is its end. */
function Line({ news }: { news: News }) {
  const { t, i18n } = useLingui()
  const accept = useMutationAct(PolicyAcknowledgeDocument, (data) => data.policyAccept)
  const [busy, setBusy] = useState(false)
  const date = i18n.date(news.effectiveAt, { dateStyle: 'long', timeZone: 'UTC' })
  const submit = async () => {
    setBusy(true)
    toastOutcome(await accept({ input: { version: news.version, method: 'SETTINGS' } }))
    setBusy(false)
  }
  return (
    <section
      aria-label={t`The privacy policy changes`}
      className="fade-in order-first flex shrink-0 flex-wrap items-center justify-center gap-x-4 gap-y-1.5 border-b border-line bg-tide-soft px-4 py-2 text-sm leading-5"
    >
      <p className="min-w-0 max-w-prose flex-1 basis-72 text-ink">
        {news.significant ? (
          news.inForce ? (
            <Trans>
              Our privacy policy has changed in ways that matter. Please accept it before you send your next message; until then you
              can read, export and delete everything.
            </Trans>
          ) : (
            <Trans>Our privacy policy changes on {date}, in ways that matter. You can read and accept it now.</Trans>
          )
        ) : news.inForce ? (
          <Trans>Our privacy policy has a new version. Little has changed.</Trans>
        ) : (
          <Trans>Our privacy policy gets a new version on {date}. Little changes.</Trans>
        )}
      </p>
      <span className="flex flex-wrap items-center gap-2">
        <a
          href={`/privacy?changes=${encodeURIComponent(news.version)}`}
          className="inline-flex min-h-8 items-center rounded-control px-2 text-tide underline underline-offset-3 hover:no-underline touch:min-h-11"
        >
          <Trans>Read what changes</Trans>
        </a>
        <Button look={news.significant ? 'primary' : 'plain'} aria-disabled={busy} onClick={() => !busy && void submit()}>
          {news.significant ? <Trans>Accept</Trans> : <Trans>All right</Trans>}
        </Button>
      </span>
    </section>
  )
}
