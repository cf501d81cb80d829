import { Trans, useLingui } from '@lingui/react/macro'
import { useMemo } from 'react'
import { useQuery } from 'urql'
import { Loading, LoadFailed } from '@/components/page/load-state'
import { PolicyDocument, PolicyVersionsDocument } from '@/gql/graphql'
import { type Block, diffPolicies, type Run } from './diff-policies'

const link = 'text-tide underline underline-offset-3 hover:no-underline'

const comes = 'rounded-[3px] bg-tide-soft text-ink underline decoration-tide underline-offset-3'
const goes = 'text-ink-3 line-through'

/** What a version changes, word by word, against the one before it. */
export function Changes({ version }: { version: string }) {
  const [{ data, error, fetching }, execute] = useQuery({ query: PolicyVersionsDocument })
  const versions = data?.policyVersions ?? []
  const place = versions.findIndex((one) => one.version === version)
  const before = place < 0 ? undefined : versions[place + 1]?.version
  return (
    <div className="mx-auto w-full max-w-176 px-5 pb-20">
      {!data && (error && !fetching ? <LoadFailed onRetry={() => execute({ requestPolicy: 'network-only' })} /> : <Loading />)}
      {data && place < 0 && (
        <p role="alert">
          <Trans>There is no such version of the policy.</Trans>{' '}
          <a href="/privacy" className={link}>
            <Trans>Read the version in force</Trans>
          </a>
        </p>
      )}
      {data && place >= 0 && !before && (
        <p>
          <Trans>This is the first version: it changes nothing.</Trans>{' '}
          <a href={`/privacy?version=${encodeURIComponent(version)}`} className={link}>
            <Trans>Read it</Trans>
          </a>
        </p>
      )}
      {before && <Compared before={before} after={version} />}
    </div>
  )
}

function Compared({ before, after }: { before: string; after: string }) {
  const { i18n } = useLingui()
  const [old] = useQuery({ query: PolicyDocument, variables: { version: before } })
  const [now, execute] = useQuery({ query: PolicyDocument, variables: { version: after } })
  const [from, to] = [old.data?.policy, now.data?.policy]
  const blocks = useMemo(() => (from && to ? diffPolicies(from.text, to.text) : []), [from, to])
  if (!from || !to) {
    return old.error || now.error ? <LoadFailed onRetry={() => execute({ requestPolicy: 'network-only' })} /> : <Loading />
  }
  const date = i18n.date(to.effectiveAt, { dateStyle: 'long', timeZone: 'UTC' })
  return (
    <>
      <h1 className="text-2xl font-medium tracking-tight">
        <Trans>What changes with version {after}</Trans>
      </h1>
      <p className="mt-2 text-base text-ink-2">
        <Trans>
          It counts from <time dateTime={to.effectiveAt}>{date}</time>, after version {before}.
        </Trans>{' '}
        <a href={`/privacy?version=${encodeURIComponent(after)}`} className={link}>
          <Trans>Read all of it</Trans>
        </a>
      </p>
      <p className="mt-4 text-sm text-ink-2">
        <Trans>
          <ins className={comes}>New words</ins> are underlined, <del className={goes}>words that go</del> are struck through. What
          stays as it is is left out, but for the headings.
        </Trans>
      </p>
      <article lang="en" className="mt-8 space-y-4 text-base leading-7">
        {blocks.map((block, index) => (
          // The blocks never change their places.
          // oxlint-disable-next-line react/no-array-index-key
          <Piece key={index} block={block} />
        ))}
      </article>
    </>
  )
}

function Piece({ block }: { block: Block }) {
  if (block.heading) {
    return (
      <h2 className="pt-4 text-lg font-semibold">
        <Runs runs={block.runs} />
      </h2>
    )
  }
  return (
    <p className="border-l-2 border-line pl-4">
      <Runs runs={block.runs} />
    </p>
  )
}

function Runs({ runs }: { runs: readonly Run[] }) {
  return runs.map((run, index) => (
    // They never change their places.
    // oxlint-disable-next-line react/no-array-index-key
    <Words key={index} run={run} />
  ))
}

function Words({ run: { change, text } }: { run: Run }) {
  if (change === 'same') return text
  const words = text.trimEnd()
  return (
    <>
      {change === 'in' ? <ins className={comes}>{words}</ins> : <del className={goes}>{words}</del>}
      {text.slice(words.length)}
    </>
  )
}
