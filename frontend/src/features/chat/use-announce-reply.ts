import { useLingui } from '@lingui/react/macro'
import { useEffect, useRef } from 'react'
import { announce, nextSentences } from '@/lib/announcer'
import type { LiveReply } from './reply-store'

/** Milliseconds between two batches of sentences: enough to hear one. */
const between = 4_000

/**
 * Tells screen readers that a reply begins, then whole sentences in batches, then its
 * end. `text` is the reply's text, stored or live.
 */
export function useAnnounceReply(reply: LiveReply | null, text: string): void {
  const { t } = useLingui()
  const latest = useRef(text)
  const said = useRef<number | null>(null)
  const following = reply !== null
  useEffect(() => {
    latest.current = text
  })
  useEffect(() => {
    if (!following) {
      if (said.current === null) return
      // The end of a text ends its last sentence too.
      const rest = nextSentences(`${latest.current.slice(said.current)}\n\n`, 0).text
      announce([rest, t`End of the answer`].filter(Boolean).join(' '))
      said.current = null
      return
    }
    announce(t`An answer is being written`)
    said.current = latest.current.length
    const timer = setInterval(() => {
      const next = nextSentences(latest.current, said.current ?? 0)
      said.current = next.to
      if (next.text !== '') announce(next.text)
    }, between)
    return () => clearInterval(timer)
  }, [following, t])
}
