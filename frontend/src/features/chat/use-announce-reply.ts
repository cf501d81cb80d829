import { useLingui } from '@lingui/react/macro'
import { useEffect, useRef } from 'react'
import { announce, nextSentences } from '@/lib/announcer'
import type { LiveReply } from './reply-store'
import { isOver } from './reduce-reply'

/** Milliseconds between two batches of sentences: enough to hear one. */
const between = 4_000

/** Tells screen readers that a reply begins, then whole sentences in batches, then its end. */
export function useAnnounceReply(reply: LiveReply | null): void {
  const { t } = useLingui()
  const latest = useRef(reply)
  const following = reply !== null
  useEffect(() => {
    latest.current = reply
  })
  useEffect(() => {
    if (!following) return
    announce(t`An answer is being written`)
    let said = latest.current?.text.length ?? 0
    const say = () => {
      const { text, to } = nextSentences(latest.current?.text ?? '', said)
      said = to
      if (text !== '') announce(text)
    }
    const timer = setInterval(say, between)
    return () => {
      clearInterval(timer)
      const ended = latest.current
      const rest = ended?.text.slice(said) ?? ''
      const last = nextSentences(`${rest}\n\n`, 0).text
      const close = !ended || isOver(ended.status) ? t`End of the answer` : ''
      announce([last, close].filter(Boolean).join(' '))
    }
  }, [following, t])
}
