import { Trans, useLingui } from '@lingui/react/macro'
import type { PolicySection } from './read-policy'

/** The chapters: beside the text where there is room, else above it. */
export function Contents({ sections, lang }: { sections: readonly PolicySection[]; lang: string }) {
  const { t } = useLingui()
  return (
    <nav
      aria-label={t`Contents`}
      className="mt-6 self-start text-sm max-xl:rounded-row max-xl:border max-xl:border-line max-xl:p-4 xl:sticky xl:top-14 xl:col-start-2 xl:row-span-2 xl:row-start-1"
    >
      <h2 className="mb-2 text-xs font-semibold text-ink-3">
        <Trans>Contents</Trans>
      </h2>
      <ol lang={lang} className="gap-x-6 max-xl:sm:columns-2">
        {sections
          .filter(({ depth }) => depth === 2)
          .map(({ id, title }) => (
            <li key={id}>
              <a
                href={`#${id}`}
                className="flex min-h-8 items-center rounded-control text-ink-2 hover:text-ink hover:underline touch:min-h-11"
              >
                {title}
              </a>
            </li>
          ))}
      </ol>
    </nav>
  )
}
