import { plural } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { moment } from '@/components/page/moments'
import type { Standing } from './glance'
import { RetentionDays } from './retention-days'
import { RetentionHolding } from './retention-hold'
import { keptWords, tableWords } from './retention-words'
import { StandingMark } from './standing-mark'
import { type Rule, ruleStanding } from './use-retention'

interface RetentionRuleProps {
  rule: Rule
  busy: boolean
  asking: boolean
  onConfirm(): void
}

/** One table: how long its rows are kept, how the rule stands, what ends when. */
export function RetentionRule({ rule, busy, asking, onConfirm }: RetentionRuleProps) {
  const { t } = useLingui()
  const standing = ruleStanding(rule)
  const words: Record<Standing, string> = {
    well: t`in order`,
    look: t`held`,
    wrong: t`overdue`,
    unknown: t`not looked for yet`,
  }
  const removed = plural(rule.removed, { one: '# deleted', other: '# deleted' })
  const facts = [
    rule.oldestAt && t`oldest: ${moment(rule.oldestAt)}`,
    rule.sweptAt && t`last swept: ${moment(rule.sweptAt)}`,
    rule.removedAt && t`${removed} ${moment(rule.removedAt)}`,
  ].filter(Boolean)
  return (
    <li className="py-4 text-sm">
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-1">
        <h2 className="font-medium">{tableWords(rule.table)}</h2>
        <StandingMark standing={standing}>{words[standing]}</StandingMark>
      </div>
      <p className="mt-0.5 text-ink-2">
        <Trans>Kept {keptWords(rule.keptSeconds, rule.idleSeconds)}</Trans>
      </p>
      {facts.length > 0 && <p className="mt-0.5 text-xs text-ink-3 tabular-nums">{facts.join(' · ')}</p>}
      {rule.hold && <RetentionHolding rule={rule} hold={rule.hold} busy={busy} asking={asking} onConfirm={onConfirm} />}
      <RetentionDays days={rule.upcoming} />
    </li>
  )
}
