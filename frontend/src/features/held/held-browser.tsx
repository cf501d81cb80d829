import { Trans, useLingui } from '@lingui/react/macro'
import type { HeldQuery } from '@/gql/graphql'
import { browserWords } from './browser-words'

type Entry = HeldQuery['viewer']['dataInventory']['browser'][number]

/** What this page keeps in the browser that shows it. */
export function HeldBrowser({ entries }: { entries: readonly Entry[] }) {
  const { t } = useLingui()
  return (
    <section aria-label={t`In this browser`} className="mt-6">
      <h3 className="text-sm font-medium">
        <Trans>In this browser</Trans>
      </h3>
      <p className="mt-0.5 text-xs leading-5 text-ink-3">
        <Trans>Cookies and what the page itself remembers here. There is nothing of others, and no more than this.</Trans>
      </p>
      <ul className="mt-3 divide-y divide-line overflow-hidden rounded-row border border-line bg-surface">
        {entries.map((entry) => (
          <BrowserRow key={entry.name} entry={entry} />
        ))}
      </ul>
    </section>
  )
}

function BrowserRow({ entry }: { entry: Entry }) {
  const { t } = useLingui()
  const { purpose, kept } = browserWords(entry)
  const kind = entry.kind === 'COOKIE' ? t`Cookie` : t`Page storage`
  return (
    <li className="px-4 py-3 text-sm">
      <p className="break-words">{purpose}</p>
      <p className="mt-0.5 text-xs leading-5 text-ink-3">
        {kind} <code>{entry.name}</code> · {kept} · {entry.necessary ? t`necessary` : t`only after you agreed`}
      </p>
    </li>
  )
}
