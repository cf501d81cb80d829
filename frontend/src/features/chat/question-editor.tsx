import { Trans, useLingui } from '@lingui/react/macro'
import { useEffect, useRef, useState } from 'react'
import { Button } from '@/components/ui/button'
import { draftOf } from '@/lib/drafts'
import { useStore } from '@/lib/store'
import { GrowingText } from './growing-text'
import { isBlank, maxBytes, sizeOf } from './text-size'

interface QuestionEditorProps {
  messageId: string
  text: string
  onSend(text: string): void
  onCancel(): void
}

/** A question being written anew: it will stand beside the old one as a branch. */
export function QuestionEditor({ messageId, text, onSend, onCancel }: QuestionEditorProps) {
  const { t } = useLingui()
  const draft = draftOf(messageId)
  const kept = useStore(draft)
  // No draft is kept of an empty text: it isn't the same as one that wasn't begun.
  const [emptied, setEmptied] = useState(false)
  const value = kept === '' && !emptied ? text : kept
  const area = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    area.current?.focus()
    area.current?.setSelectionRange(text.length, text.length)
  }, [text])
  const usable = !isBlank(value) && sizeOf(value) <= maxBytes
  const leave = () => {
    draft.set('')
    onCancel()
  }
  const send = () => {
    if (!usable) return
    draft.set('')
    onSend(value)
  }
  return (
    <div data-message={messageId} className="rounded-card border border-control bg-surface p-2.5">
      <GrowingText
        ref={area}
        label={t`Edit your message`}
        value={value}
        onChange={(next) => {
          setEmptied(next === '')
          draft.set(next)
        }}
        onSend={send}
        onEscape={leave}
      />
      <div className="mt-1 flex justify-end gap-2">
        <Button look="quiet" onClick={leave}>
          <Trans>Cancel</Trans>
        </Button>
        <Button look="primary" disabled={!usable} onClick={send}>
          <Trans>Send</Trans>
        </Button>
      </div>
    </div>
  )
}
