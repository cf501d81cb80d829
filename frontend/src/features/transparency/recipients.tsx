import { Trans, useLingui } from '@lingui/react/macro'
import { Section } from '@/components/page/section'
import type { RecipientKind } from '@/gql/graphql'
import type { Report } from './group-clauses'
import { hopWords, protectionWords, recipientName, sentWords } from './hop-words'
import { StateMark } from './state-mark'

/** Who gets data, and which ways they take. */
export function Recipients({ report: { recipients, hops } }: { report: Report }) {
  const { t } = useLingui()
  return (
    <div className="mt-12">
      <Section
        anchor="recipients"
        title={t`Who gets data`}
        note={t`Everybody that this installation passes something on to. The program can’t reach anybody else.`}
      >
        <ul className="grid gap-3 sm:grid-cols-2">
          {recipients.map((recipient) => (
            <RecipientCard key={recipient.name} recipient={recipient} />
          ))}
        </ul>
      </Section>
      <Section
        anchor="ways"
        title={t`The ways that data take`}
        note={t`Each is encrypted, or does not leave the machine; else it says so here.`}
      >
        <ul className="divide-y divide-line rounded-row border border-line bg-surface">
          {hops.map(({ name, way, to, host, state, protection }) => (
            <li key={`${name} ${host}`} className="flex gap-3 px-4 py-3 text-sm break-inside-avoid">
              <span className="mt-px">
                <StateMark state={state} />
              </span>
              <div className="min-w-0">
                <p>{hopWords(way, to)}</p>
                <p className="text-xs text-ink-3">{protectionWords(protection)}</p>
                {host && <code className="font-mono text-xs break-all text-ink-3">{host}</code>}
              </div>
            </li>
          ))}
        </ul>
      </Section>
    </div>
  )
}

function useKindWords(): Record<RecipientKind, string> {
  const { t } = useLingui()
  return {
    INFERENCE: t`Writes the answers`,
    PAYMENT: t`Sells credits`,
    SIGN_IN: t`Signs you in`,
    MAIL: t`Sends mails`,
    INTERNAL: t`Part of this installation`,
  }
}

function RecipientCard({ recipient }: { recipient: Report['recipients'][number] }) {
  const { t } = useLingui()
  const { kind, hosts, gets, local, encrypted, consent, clause } = recipient
  const words = useKindWords()
  const name = recipientName(recipient.name)
  return (
    <li className="rounded-row border border-line bg-surface px-4 py-3.5 break-inside-avoid">
      <p className="text-xs text-ink-3">{words[kind]}</p>
      <h3 className="mt-0.5 font-semibold">{name}</h3>
      <p className="mt-1 text-xs text-ink-2">
        {local ? <Trans>On the same machine: nothing leaves it.</Trans> : null}
        {!local && encrypted ? <Trans>Run by somebody else; the way there is encrypted.</Trans> : null}
        {!local && !encrypted ? <Trans>The way there is not encrypted.</Trans> : null}
        {consent && (
          <>
            {' '}
            <Trans>Only if you have agreed to it by name.</Trans>
          </>
        )}
      </p>
      <p className="mt-3 text-xs text-ink-3">
        <Trans>It gets</Trans>
      </p>
      <ul className="mt-0.5 list-disc space-y-0.5 ps-4 text-sm">
        {gets.map((what) => (
          <li key={what}>{sentWords(what)}</li>
        ))}
      </ul>
      <p className="mt-3 font-mono text-xs break-all text-ink-3">{hosts.join(', ')}</p>
      <p className="mt-1 text-xs">
        <a
          href={`/privacy#${clause}`}
          aria-label={t`What the policy says of ${name}`}
          className="text-tide underline underline-offset-3"
        >
          <Trans>What the policy says</Trans>
        </a>
      </p>
    </li>
  )
}
