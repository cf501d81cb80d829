import { Trans, useLingui } from '@lingui/react/macro'
import { useCallback, useState } from 'react'
import { useQuery } from 'urql'
import { type ConsentKind, ConsentSetDocument, SettingsPrivacyDocument, type SettingsPrivacyQuery } from '@/gql/graphql'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'
import { useServiceInfo } from '@/lib/service-info'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { day, moment } from '@/components/page/moments'
import { consentKinds, consentWords, methodWords } from './names'
import { Section } from '@/components/page/section'
import { Switch } from '@/components/page/switch'
import { useRefresh } from '@/components/page/use-refresh'

type Choices = SettingsPrivacyQuery['viewer']

/** Milliseconds between two looks: a choice may be made on another device. */
const every = 30_000

/** Only an account can publish, and only an account has an address for news. */
const forAccounts = new Set<ConsentKind>(['SHARE', 'MARKETING'])

/** What the viewer has agreed to, and may stop agreeing to. */
export function PrivacyChoicesPage() {
  const [{ data, error, fetching }, execute] = useQuery({ query: SettingsPrivacyDocument, requestPolicy: 'cache-and-network' })
  const retry = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute])
  useRefresh(retry, every)
  if (!data) return error && !fetching ? <LoadFailed onRetry={retry} /> : <Loading rows={4} />
  return (
    <>
      <Consents consents={data.viewer.consents} onChanged={retry} />
      <Acceptances acceptances={data.viewer.policyAcceptances} />
    </>
  )
}

function Consents({ consents, onChanged }: { consents: Choices['consents']; onChanged(): void }) {
  const { t } = useLingui()
  const isAccount = useServiceInfo()?.viewer.kind === 'ACCOUNT'
  const run = useMutationAct(ConsentSetDocument, (data) => data.consentSet)
  const [busy, setBusy] = useState<ConsentKind | null>(null)
  const choose = async (kind: ConsentKind, granted: boolean) => {
    setBusy(kind)
    const outcome = await run({ input: { kind, granted, method: 'SETTINGS' } })
    setBusy(null)
    toastOutcome(outcome)
    onChanged()
  }
  const since = (kind: ConsentKind) => {
    const choice = consents.find((one) => one.kind === kind)
    if (!choice) return t`You haven’t been asked yet.`
    const { policyVersion } = choice
    const date = day(choice.createdAt)
    return choice.granted ? t`Agreed on ${date}, policy ${policyVersion}.` : t`Declined on ${date}, policy ${policyVersion}.`
  }
  return (
    <Section
      title={t`What you agree to`}
      note={t`Each is a choice of its own. You can take it back here at any time; it counts at once.`}
    >
      <div className="-my-2 divide-y divide-line">
        {consentKinds
          .filter((kind) => isAccount || !forAccounts.has(kind))
          .map((kind) => {
            const { title, note } = consentWords(kind)
            return (
              <Switch
                key={kind}
                label={title}
                note={note}
                since={since(kind)}
                checked={consents.some((one) => one.kind === kind && one.granted)}
                busy={busy === kind}
                onChange={(granted) => void choose(kind, granted)}
              />
            )
          })}
      </div>
    </Section>
  )
}

function Acceptances({ acceptances }: { acceptances: Choices['policyAcceptances'] }) {
  const { t } = useLingui()
  return (
    <Section title={t`The privacy policy`}>
      {acceptances.length === 0 ? (
        <p className="text-sm text-ink-2">
          <Trans>You haven’t accepted it yet. You’re asked before your first message.</Trans>
        </p>
      ) : (
        <ul className="space-y-1.5 text-sm">
          {acceptances.map(({ version, method, acceptedAt }) => (
            <li key={`${version} ${acceptedAt}`}>
              <Trans>
                Version {version}, accepted {moment(acceptedAt)} {methodWords(method)}
              </Trans>
            </li>
          ))}
        </ul>
      )}
      <p className="mt-4 text-sm">
        <a href="/privacy" className="text-tide underline underline-offset-3">
          <Trans>Read the privacy policy</Trans>
        </a>
        {' · '}
        <a href="/transparency" className="text-tide underline underline-offset-3">
          <Trans>See whether it is kept</Trans>
        </a>
      </p>
    </Section>
  )
}
