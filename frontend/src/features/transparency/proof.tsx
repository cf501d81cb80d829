import { Trans, useLingui } from '@lingui/react/macro'
import { moment } from '@/components/page/moments'
import { Section } from '@/components/page/section'
import { SupportLine } from '@/components/ui/support-line'
import { Evidence } from './evidence'
import type { Report } from './group-clauses'
import { StateMark } from './state-mark'

/** How many changes are shown. */
const shown = 8

/** What changed lately, and how to check all of it oneself. */
export function Proof({ report }: { report: Report }) {
  const { t } = useLingui()
  const { changes, version, policyVersion, policyHash, publicKey } = report
  return (
    <>
      <Section anchor="changes" title={t`What changed lately`} note={t`Each time that a check found something else than before.`}>
        <ul className="divide-y divide-line">
          {changes.slice(0, shown).map(({ checkId, at, state, evidence, findings }) => (
            <li key={`${checkId} ${at}`} className="flex gap-3 py-2.5 text-sm break-inside-avoid">
              <span className="mt-px">
                <StateMark state={state} size={16} />
              </span>
              <p className="min-w-0">
                <time dateTime={at} className="text-xs text-ink-3">
                  {moment(at)}
                </time>
                <Evidence evidence={evidence} findings={findings} className="block text-pretty" />
              </p>
            </li>
          ))}
        </ul>
      </Section>
      <Section anchor="proof" title={t`Check it yourself`}>
        <p className="max-w-prose text-sm text-ink-2">
          <Trans>
            This page is made of a report that the program signs. Whoever runs this installation can’t hide a part of it with a
            setting.{' '}
            <a href="/transparency.json" className="text-tide underline underline-offset-3">
              Get the signed report
            </a>
            .
          </Trans>
        </p>
        <dl className="mt-4 space-y-2.5 text-xs text-ink-3">
          <Exact name={t`Version of the program`}>{version}</Exact>
          <Exact name={t`Version of the policy`}>{policyVersion}</Exact>
          <Exact name={t`SHA-256 of the published text`}>{policyHash}</Exact>
          <Exact name={t`Key that verifies the signature (Ed25519)`}>{publicKey}</Exact>
        </dl>
        <div className="mt-5">
          <SupportLine />
        </div>
      </Section>
    </>
  )
}

function Exact({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="font-mono break-all text-ink-2">{children}</dd>
    </div>
  )
}
