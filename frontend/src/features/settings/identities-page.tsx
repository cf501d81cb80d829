import { Trans, useLingui } from '@lingui/react/macro'
import { useEffect, useId, useState } from 'react'
import { Notice } from '@/components/ui/notice'
import { type SettingsAccountFragment, SettingsIdentityUnlinkDocument } from '@/gql/graphql'
import { useMutationAct } from '@/lib/graphql/act'
import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { useServiceInfo } from '@/lib/service-info'
import { showToast } from '@/lib/toasts'
import { ConfirmStep } from '@/components/page/confirm-step'
import { ConfirmedButton } from '@/components/page/confirmed-button'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { day } from '@/components/page/moments'
import { providerName } from '@/components/page/provider-name'
import { returnedText, sortRefusals, wantsProof } from '@/components/page/refusal-words'
import { Section } from '@/components/page/section'
import { useAccount } from '@/components/page/use-account'

type Identity = SettingsAccountFragment['identities'][number]

const formName = 'identities'
const here = '/settings/identities'

interface IdentitiesPageProps {
  /** What went wrong on the way to the provider and back. */
  error: string | null
}

/** The ways to sign in. */
export function IdentitiesPage({ error }: IdentitiesPageProps) {
  const { account, failed, retry } = useAccount()
  if (failed) return <LoadFailed onRetry={retry} />
  if (!account) return <Loading />
  return <Identities account={account} error={error} />
}

function Identities({ account, error }: { account: SettingsAccountFragment; error: string | null }) {
  const { t } = useLingui()
  const known = useServiceInfo()?.providers ?? []
  const run = useMutationAct(SettingsIdentityUnlinkDocument, (data) => data.identityUnlink)
  const [kept] = useState(() => readForm(formName))
  useEffect(forgetForm, [])
  // What is to be unlinked, or 'link', once it is proved who is asking.
  const [waiting, setWaiting] = useState<string | null>(error === 'reauthenticate' ? 'link' : null)
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState(error === 'reauthenticate' ? null : returnedText(error))

  const unlink = async (identity: Identity) => {
    setBusy(true)
    setFault(null)
    const outcome = await run({ input: { identityId: identity.id } })
    setBusy(false)
    if (wantsProof(outcome)) {
      setWaiting(identity.id)
      return
    }
    setFault(sortRefusals(outcome, []).whole)
    if (outcome.kind === 'done') {
      showToast({ text: t`${providerName(identity.provider, known)} is unlinked.`, tone: 'plain' })
    }
  }

  const linkable = known.filter(({ provider }) => !account.identities.some((one) => one.provider === provider))
  return (
    <>
      <Section
        title={t`Linked`}
        note={t`Each of these signs you in to this account. Only the provider and its id of you are kept, no passwords and no tokens.`}
      >
        {fault && (
          <Notice tone="danger" role="alert">
            {fault}
          </Notice>
        )}
        <ul className="divide-y divide-line">
          {account.identities.map((identity) => (
            <IdentityRow
              key={identity.id}
              identity={identity}
              name={providerName(identity.provider, known)}
              asking={kept?.unlink === identity.id && !error}
              busy={busy}
              onUnlink={() => void unlink(identity)}
            />
          ))}
        </ul>
        {waiting !== null && (
          <ConfirmStep
            linked={account.identities.map(({ provider }) => provider)}
            returnTo={here}
            onLeave={() => keepForm(formName, { unlink: waiting })}
            onCancel={() => setWaiting(null)}
          />
        )}
      </Section>
      <Section title={t`Link another`} note={t`With a second way to sign in you aren’t locked out when you lose the first.`}>
        {linkable.length > 0 ? (
          <div className="flex flex-wrap gap-2">
            {linkable.map(({ provider, name, path }) => (
              <a
                key={provider}
                href={`${path}?${new URLSearchParams({ purpose: 'link', return: here }).toString()}`}
                className="inline-flex min-h-9 items-center rounded-control border border-line-strong px-3.5 text-sm font-medium hover:bg-hover touch:min-h-11"
              >
                <Trans>Link {name}</Trans>
              </a>
            ))}
          </div>
        ) : (
          <p className="text-sm text-ink-3">
            <Trans>Every way to sign in that this installation offers is linked.</Trans>
          </p>
        )}
      </Section>
    </>
  )
}

interface IdentityRowProps {
  identity: Identity
  name: string
  /** Whether it was about to be unlinked before its owner had to prove who he is. */
  asking: boolean
  busy: boolean
  onUnlink(): void
}

function IdentityRow({ identity, name, asking, busy, onUnlink }: IdentityRowProps) {
  const { t } = useLingui()
  const id = useId()
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 py-4">
      <div className="min-w-0 flex-1 basis-56">
        <p className="text-sm font-medium">{name}</p>
        <p className="mt-0.5 text-xs text-ink-3">
          <Trans>
            linked {day(identity.createdAt)}, last used {day(identity.lastUsedAt)}
          </Trans>
        </p>
        {!identity.removable && (
          <p id={id} className="mt-0.5 text-xs text-ink-3">
            <Trans>The last way to sign in can’t be unlinked. Link another first.</Trans>
          </p>
        )}
      </div>
      <ConfirmedButton
        label={t`Unlink`}
        description={t`Unlink ${name}`}
        question={<Trans>It won’t sign you in any more.</Trans>}
        disabled={!identity.removable || busy}
        asking={asking}
        describedBy={identity.removable ? undefined : id}
        onConfirm={onUnlink}
      />
    </li>
  )
}
