import { Plural, Trans, useLingui } from '@lingui/react/macro'
import { type ChangeEvent, useEffect, useRef, useState } from 'react'
import { useClient } from 'urql'
import { Section } from '@/components/page/section'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { ConversationsDocument } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { errorText } from '@/lib/error-text'
import { Bar } from './bar'
import { importWords } from './import-words'
import { type Imported, largestFile, upload } from './upload'

/** Takes in conversations out of a file of this program or another one. */
export function ImportData() {
  const { t } = useLingui()
  const chooser = useRef<HTMLInputElement>(null)
  const { sent, wrong, imported, take, refuse } = useImport()
  const chosen = (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0]
    event.target.value = '' // the same file can be chosen again
    if (!file) return
    if (file.size > largestFile) refuse(t`This file is too large: 256 MB are read at most.`)
    else void take(file)
  }
  return (
    <Section
      title={t`Import conversations`}
      note={t`From an export of Kimi K2, ChatGPT or Open WebUI, as ZIP or JSON. They come beside what you have; nothing is replaced.`}
    >
      <input
        ref={chooser}
        type="file"
        accept=".zip,.json,application/zip,application/json"
        aria-label={t`File to import`}
        className="hidden"
        onChange={chosen}
      />
      {sent === null ? (
        <Button onClick={() => chooser.current?.click()}>
          <Trans>Choose a file …</Trans>
        </Button>
      ) : (
        <div className="fade-in max-w-md space-y-2">
          <Bar label={t`Progress of the import`} part={sent < 1 ? sent : null} />
          <p className="text-sm text-ink-2">
            {sent < 1 ? <Trans>The file is being sent.</Trans> : <Trans>The file is being read.</Trans>}
          </p>
        </div>
      )}
      {wrong && (
        <div className="mt-4">
          <Notice tone="danger" role="alert">
            {wrong}
          </Notice>
        </div>
      )}
      {imported && <Result imported={imported} />}
    </Section>
  )
}

/** How far an import is, and what became of it. */
function useImport() {
  const { t } = useLingui()
  const client = useClient()
  const [sent, setSent] = useState<number | null>(null)
  const [wrong, setWrong] = useState<string | null>(null)
  const [imported, setImported] = useState<Imported | null>(null)
  const left = useRef<AbortController | null>(null)
  useEffect(() => () => left.current?.abort(), [])
  const refuse = (text: string) => {
    setImported(null)
    setWrong(text)
  }
  const take = async (file: Blob) => {
    setWrong(null)
    setImported(null)
    setSent(0)
    left.current = new AbortController()
    const { signal } = left.current
    const outcome = await upload(file, setSent, signal)
    if (signal.aborted) return
    setSent(null)
    if (outcome.kind === 'refused') refuse(importWords(outcome) ?? errorText(outcome))
    if (outcome.kind === 'unreachable') refuse(errorText({ code: 'UNREACHABLE' }))
    if (outcome.kind !== 'done') return
    setImported(outcome.imported)
    announce(t`The conversations are imported.`)
    void client.query(ConversationsDocument, {}, { requestPolicy: 'network-only' }).toPromise()
  }
  return { sent, wrong, imported, take, refuse }
}

function Result({ imported: { conversations, messages, skipped } }: { imported: Imported }) {
  return (
    <div className="mt-4">
      <Notice tone="info" role="status">
        <Plural value={conversations} one="# conversation was imported" other="# conversations were imported" />
        {', '}
        <Plural value={messages} one="with # message." other="with # messages." />
        {skipped > 0 && (
          <>
            {' '}
            <Plural
              value={skipped}
              one="# entry of a tool or another kind was left out."
              other="# entries of tools and other kinds were left out."
            />
          </>
        )}
      </Notice>
    </div>
  )
}
