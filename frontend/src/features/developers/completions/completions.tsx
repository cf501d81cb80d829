import { useEffect, useState } from 'react'
import { returnedText } from '@/components/page/refusal-words'
import { Notice } from '@/components/ui/notice'
import { ApiChoice } from '@/features/developers/api-choice'
import { KeyProof } from '@/components/page/key-proof'
import { useServiceInfo } from '@/lib/service-info'
import { useStore } from '@/lib/store'
import { AnswerPane } from './answer-pane'
import { CodePane } from './code-pane'
import { KeyChoice } from './key-choice'
import { bodyOf } from './request'
import { RequestPane } from './request-pane'
import { keepDraft, session, takeDraft } from './session'
import { useAsk } from './use-ask'

interface CompletionsProps {
  /** What went wrong on the way to the provider and back. */
  error: string | null
}

/** A place to try `/v1/chat/completions`: a request, the same as a program, and what comes back. */
export function Completions({ error }: CompletionsProps) {
  useEffect(takeDraft, [])
  const [proving, setProving] = useState(false)
  const { draft, apiKey } = useStore(session)
  const info = useServiceInfo()
  const { result, busy, run, stop } = useAsk()
  const models = info?.models.filter(({ available }) => available) ?? []
  const model = (models.find(({ id }) => id === draft.model) ?? models.find((one) => one.default) ?? models[0])?.id ?? ''
  const hasAccount = info?.viewer.kind === 'ACCOUNT'
  const body = bodyOf(draft, model)
  const returned = returnedText(error)
  return (
    <div className="flex flex-col gap-3 pt-4 lg:h-[calc(100dvh-7.75rem)] lg:min-h-120">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <ApiChoice current="completions" />
        <KeyChoice hasAccount={hasAccount} onProof={() => setProving(true)} />
      </div>
      {returned && (
        <Notice tone="danger" role="alert">
          {returned}
        </Notice>
      )}
      {proving && <KeyProof returnTo="/developers/completions" onLeave={keepDraft} onCancel={() => setProving(false)} />}
      <div className="grid min-h-0 flex-1 gap-3 lg:grid-cols-2">
        <div className="min-h-0 min-w-0 space-y-4 lg:overflow-y-auto">
          <RequestPane
            draft={draft}
            model={model}
            models={models}
            busy={busy}
            ready={body !== null && apiKey !== ''}
            onRun={() => {
              if (body) run(body, apiKey)
            }}
            onStop={stop}
          />
          {body && <CodePane body={body} />}
        </div>
        <AnswerPane result={result} hasAccount={hasAccount} />
      </div>
    </div>
  )
}
