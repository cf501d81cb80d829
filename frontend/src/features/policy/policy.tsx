import { Trans, useLingui } from '@lingui/react/macro'
import { useEffect, useMemo, useState } from 'react'
import { useQuery } from 'urql'
import { Button } from '@/components/ui/button'
import { SupportLine } from '@/components/ui/support-line'
import { PolicyDocument, type PolicyQuery } from '@/gql/graphql'
import { useServiceInfo } from '@/lib/service-info'
import { Changes } from './changes'
import { Contents } from './contents'
import { type PolicySection, readPolicy } from './read-policy'
import { PolicyMarkdown } from './policy-markdown'
import { Standing, Versions } from './versions'

interface PolicyProps {
  /** The version to show; undefined: the one in force. */
  version?: string | undefined
  /** The version whose changes to show instead. */
  changes?: string | undefined
}

/** A version of the privacy policy, with its dates, its hash and its contents, or what changed with it. */
export function Policy({ version, changes }: PolicyProps) {
  return changes ? <Changes version={changes} /> : <Text version={version} />
}

function Text({ version }: { version: string | undefined }) {
  const [{ data, error, fetching }, execute] = useQuery({ query: PolicyDocument, variables: { version } })
  if (data) return <PolicyBody policy={data.policy} />
  if (!error || fetching) return <Loading />
  return (
    <div className="flex flex-col items-center gap-3 px-5 pt-24 text-center" role="alert">
      <p className="text-lg font-medium">
        <Trans>The privacy policy can’t be loaded.</Trans>
      </p>
      <Button onClick={() => execute({ requestPolicy: 'network-only' })}>
        <Trans>Try again</Trans>
      </Button>
      <SupportLine />
    </div>
  )
}

function PolicyBody({ policy }: { policy: PolicyQuery['policy'] }) {
  const { i18n } = useLingui()
  const service = useServiceInfo()?.service
  const [original, setOriginal] = useState(false)
  const translation = policy.translations.find(({ language }) => language === i18n.locale)
  const lang = translation && !original ? translation.language : 'en'
  const text = translation && !original ? translation.text : policy.text
  const { title, intro, sections } = useMemo(() => readPolicy(text), [text])
  useHash(sections)
  const month = i18n.date(policy.effectiveAt, { month: 'long', year: 'numeric', timeZone: 'UTC' })
  return (
    <div className="mx-auto grid w-full max-w-264 gap-x-12 px-5 pb-20 xl:grid-cols-[minmax(0,1fr)_16rem]">
      <header className="max-w-176">
        <h1 className="text-2xl font-medium tracking-tight" lang={lang}>
          {title}
        </h1>
        <p className="mt-2 text-base text-ink-2">
          <Trans>
            Effective <time dateTime={policy.effectiveAt}>{month}</time> · version {policy.version}
          </Trans>
        </p>
        <p className="mt-1 text-sm">
          <a href="/transparency" className="text-tide underline underline-offset-3">
            <Trans>See whether it is kept</Trans>
          </a>
        </p>
        {translation && (
          <p className="mt-2 flex flex-wrap items-center gap-x-3 text-sm text-ink-2">
            {original ? (
              <Trans>This is the text that counts.</Trans>
            ) : (
              <Trans>This is a translation. The English text is what counts.</Trans>
            )}
            <Button look="quiet" onClick={() => setOriginal(!original)}>
              {original ? <Trans>Show the translation</Trans> : <Trans>Show the English text</Trans>}
            </Button>
          </p>
        )}
        <Standing version={policy.version} />
      </header>
      <Contents sections={sections} lang={lang} />
      <article lang={lang} className="max-w-176 min-w-0 xl:row-start-2">
        <div className="pt-6">
          <PolicyMarkdown text={intro} />
        </div>
        {sections.map((section) => (
          <Section key={section.id} section={section} />
        ))}
        <Facts policy={policy} url={service?.url ?? ''} />
        <Versions shown={policy.version} />
      </article>
    </div>
  )
}

function Section({ section: { id, depth, title, text, clauses } }: { section: PolicySection }) {
  const Heading = depth === 2 ? 'h2' : 'h3'
  return (
    <section aria-labelledby={id} className={depth === 2 ? 'pt-9' : 'pt-6'}>
      <Heading
        id={id}
        tabIndex={-1}
        className={`scroll-mt-16 font-semibold text-balance outline-none ${depth === 2 ? 'mb-3 text-lg' : 'mb-2 text-md'}`}
      >
        {title}
      </Heading>
      {clauses.map((clause) => (
        <span key={clause} id={clause} className="block scroll-mt-24" />
      ))}
      <PolicyMarkdown text={text} />
    </section>
  )
}

/** How to check that the text is the published one. */
function Facts({ policy, url }: { policy: PolicyQuery['policy']; url: string }) {
  const { i18n } = useLingui()
  return (
    <footer lang={i18n.locale} className="mt-12 space-y-2 border-t border-line pt-5 text-sm text-ink-2">
      <p>
        <Trans>
          Version {policy.version}, published on{' '}
          <time dateTime={policy.publishedAt}>{i18n.date(policy.publishedAt, { dateStyle: 'long', timeZone: 'UTC' })}</time>.
          Published versions are never changed.
        </Trans>
      </p>
      <p className="text-xs text-ink-3">
        <Trans>SHA-256 of the published text</Trans>
        <code className="mt-1 block font-mono break-all">{policy.hash}</code>
      </p>
      {url && (
        <p>
          <a href={url} className="text-tide underline underline-offset-3">
            {url}
          </a>
        </p>
      )}
      <SupportLine />
    </footer>
  )
}

function Loading() {
  return (
    <div aria-hidden className="late mx-auto w-full max-w-264 space-y-4 px-5 pt-2">
      <div className="shade h-8 w-64" />
      <div className="shade h-4 w-48" />
      <div className="shade mt-8 h-4 w-full max-w-176" />
      <div className="shade h-4 w-4/5 max-w-140" />
    </div>
  )
}

/** Goes to the clause that the address names: it wasn't there yet when the browser looked. */
function useHash(sections: readonly PolicySection[]): void {
  useEffect(() => {
    const place = document.querySelector(`[id="${CSS.escape(location.hash.slice(1))}"]`)
    if (location.hash) place?.scrollIntoView()
  }, [sections])
}
