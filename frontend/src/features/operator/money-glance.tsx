import { plural } from '@lingui/core/macro'
import { useLingui } from '@lingui/react/macro'
import { moment } from '@/components/page/moments'
import { useNow } from '@/lib/clock'
import { booksStanding, type Dated, newestComparisons, paymentsStanding } from './glance'
import { StandingMark } from './standing-mark'
import type { MoneyState } from './use-money'

/** All of it at a glance; each part leads to where it stands in full. */
export function MoneyGlance({ money }: { money: MoneyState }) {
  const { t } = useLingui()
  const [check] = money.checks
  const now = new Date(useNow())
  // The one that was longest ago.
  const [comparison] = newestComparisons(money).toSorted((a, b) => Date.parse(a.finishedAt) - Date.parse(b.finishedAt))
  const standing = { books: booksStanding(money, now), payments: paymentsStanding(money, now) }
  const { waiting, odd } = money
  const books: Record<Dated, string> = {
    well: t`every invariant holds`,
    look: '',
    wrong: t`an invariant is broken`,
    unknown: t`not checked yet`,
    old: t`not checked for too long`,
  }
  const payments: Record<Dated, string> = {
    well: t`they agree`,
    look: t`they agree again`,
    wrong: t`they differ`,
    unknown: money.providers.length === 0 ? t`no provider is set up` : t`not compared yet`,
    old: t`not compared for too long`,
  }
  return (
    <ul className="mb-8 grid grid-cols-2 gap-px overflow-hidden rounded-row border border-line bg-line lg:grid-cols-4">
      <Tile
        to="books"
        name={t`The books`}
        standing={standing.books}
        words={books[standing.books]}
        note={check ? moment(check.finishedAt) : ''}
      />
      <Tile
        to="payments"
        name={t`Payments and ledger`}
        standing={standing.payments}
        words={payments[standing.payments]}
        note={comparison ? moment(comparison.finishedAt) : ''}
      />
      <Tile
        to="quarantine"
        name={t`Payments in quarantine`}
        standing={waiting > 0 ? 'look' : 'well'}
        words={waiting > 0 ? plural(waiting, { one: '# waits for you', other: '# wait for you' }) : t`none waits`}
      />
      <Tile
        to="usage"
        name={t`Absurd usage`}
        standing={odd > 0 ? 'look' : 'well'}
        words={odd > 0 ? plural(odd, { one: '# request to look at', other: '# requests to look at' }) : t`nothing to look at`}
      />
    </ul>
  )
}

interface TileProps {
  to: string
  name: string
  standing: Dated
  words: string
  note?: string
}

function Tile({ to, name, standing, words, note = '' }: TileProps) {
  return (
    <li className="bg-surface">
      <a href={`#${to}`} className="block h-full px-4 py-3.5 outline-offset-[-2px] transition-colors hover:bg-hover">
        <span className="block text-xs text-ink-3">{name}</span>
        <span className="mt-1 block text-sm font-medium">
          <StandingMark standing={standing === 'old' ? 'look' : standing}>{words}</StandingMark>
        </span>
        <span className="mt-0.5 block min-h-4 text-xs text-ink-3">{note}</span>
      </a>
    </li>
  )
}
