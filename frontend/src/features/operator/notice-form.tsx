import { Trans, useLingui } from '@lingui/react/macro'
import { type FormEvent, useState } from 'react'
import { sortRefusals } from '@/components/page/refusal-words'
import { Segments } from '@/components/page/segments'
import { TextArea } from '@/components/page/text-area'
import { TextField } from '@/components/page/text-field'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { type OperatorNoticeFragment, OperatorNoticeSaveDocument } from '@/gql/graphql'
import { useMutationAct } from '@/lib/graphql/act'

const fieldNames = ['subject', 'text', 'subjectZh', 'textZh'] as const
type Faults = ReturnType<typeof sortRefusals<(typeof fieldNames)[number]>>
const noFaults: Faults = { byField: {}, whole: null }

interface NoticeFormProps {
  /** The draft to change; null for a new one. */
  notice: OperatorNoticeFragment | null
  /** Called when it is kept or left. */
  onClose(): void
}

/** What a mail to everybody says, in one language or two. */
export function NoticeForm({ notice, onClose }: NoticeFormProps) {
  const { t } = useLingui()
  const save = useMutationAct(OperatorNoticeSaveDocument, (data) => data.noticeSave)
  const [kind, setKind] = useState<'NEWS' | 'INCIDENT'>(notice?.kind === 'INCIDENT' ? 'INCIDENT' : 'NEWS')
  const [words, setWords] = useState({
    subject: notice?.subject ?? '',
    text: notice?.text ?? '',
    subjectZh: notice?.subjectZh ?? '',
    textZh: notice?.textZh ?? '',
  })
  const [faults, setFaults] = useState(noFaults)
  const [busy, setBusy] = useState(false)
  const change = (more: Partial<typeof words>) => setWords((now) => ({ ...now, ...more }))
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    const outcome = await save({ input: { ...(notice ? { id: notice.id } : {}), kind, ...words } })
    setBusy(false)
    setFaults(sortRefusals(outcome, fieldNames))
    if (outcome.kind === 'done') onClose()
  }
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="fade-in space-y-5">
      <Segments<'NEWS' | 'INCIDENT'>
        label={t`What it is about`}
        value={kind}
        options={[
          { value: 'NEWS', label: t`News` },
          { value: 'INCIDENT', label: t`Incident` },
        ]}
        onChoose={setKind}
      />
      <TextField
        label={t`Subject`}
        value={words.subject}
        onChange={(subject) => change({ subject })}
        error={faults.byField.subject}
      />
      <TextArea
        label={t`Text`}
        note={t`An empty line begins a paragraph. A greeting and the footer are added.`}
        value={words.text}
        onChange={(text) => change({ text })}
        error={faults.byField.text}
      />
      <details open={words.subjectZh !== '' || words.textZh !== ''}>
        <summary className="min-h-8 cursor-pointer text-sm text-tide touch:min-h-11">
          <Trans>The same in Chinese</Trans>
        </summary>
        <div className="mt-3 space-y-5" lang="zh">
          <TextField
            label={t`Subject in Chinese`}
            value={words.subjectZh}
            onChange={(subjectZh) => change({ subjectZh })}
            error={faults.byField.subjectZh}
          />
          <TextArea
            label={t`Text in Chinese`}
            value={words.textZh}
            onChange={(textZh) => change({ textZh })}
            error={faults.byField.textZh}
          />
        </div>
      </details>
      {faults.whole && (
        <Notice tone="danger" role="alert">
          {faults.whole}
        </Notice>
      )}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" aria-disabled={busy}>
          <Trans>Keep the draft</Trans>
        </Button>
        <Button look="quiet" onClick={onClose}>
          <Trans>Cancel</Trans>
        </Button>
      </div>
    </form>
  )
}
