import { Trans, useLingui } from '@lingui/react/macro'
import { useQuery } from 'urql'
import { Notice } from '@/components/ui/notice'
import { PolicyVersionsDocument } from '@/gql/graphql'
import { useServiceInfo } from '@/lib/service-info'

const link = 'text-tide underline underline-offset-3 hover:no-underline'

function useVersions() {
  const [{ data }] = useQuery({ query: PolicyVersionsDocument })
  return data?.policyVersions ?? []
}

/** Says of a version that isn't in force that it isn't. */
export function Standing({ version }: { version: string }) {
  const { i18n } = useLingui()
  const versions = useVersions()
  const shown = versions.find((one) => one.version === version)
  const current = useServiceInfo()?.viewer.gate.policyVersion
  if (!shown || !current || shown.version === current) return null
  const date = i18n.date(shown.effectiveAt, { dateStyle: 'long', timeZone: 'UTC' })
  return (
    <div className="mt-4">
      <Notice role="status" tone="info">
        {shown.version > current ? (
          <Trans>This version doesn’t count yet: it does from {date} on.</Trans>
        ) : (
          <Trans>This version doesn’t count any more.</Trans>
        )}{' '}
        <a href="/privacy" className={link}>
          <Trans>Read the version in force</Trans>
        </a>
      </Notice>
    </div>
  )
}

/** All versions, each with its text and what it changed. */
export function Versions({ shown }: { shown: string }) {
  const { t, i18n } = useLingui()
  const versions = useVersions()
  return (
    <section aria-label={t`All versions`} lang={i18n.locale} className="mt-10 border-t border-line pt-5 text-sm">
      <h2 className="mb-3 text-md font-semibold">
        <Trans>All versions</Trans>
      </h2>
      <ul className="space-y-2">
        {versions.map(({ version, effectiveAt, significant }, index) => (
          <li key={version} className="flex flex-wrap items-baseline gap-x-4">
            {version === shown ? (
              <strong className="font-semibold">{version}</strong>
            ) : (
              <a href={`/privacy?version=${encodeURIComponent(version)}`} className={link}>
                {version}
              </a>
            )}
            <span className="text-ink-2">
              <Trans>from {i18n.date(effectiveAt, { dateStyle: 'long', timeZone: 'UTC' })}</Trans>
            </span>
            {index < versions.length - 1 && (
              <a href={`/privacy?changes=${encodeURIComponent(version)}`} className={link}>
                {significant ? <Trans>what it changed that matters</Trans> : <Trans>what little it changed</Trans>}
              </a>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
