import { Trans, useLingui } from '@lingui/react/macro'
import { Dialog, DialogHead } from '@/components/ui/dialog'
import { useServiceInfo } from '@/lib/service-info'

const examples = [
  { name: 'Ollama', address: 'http://127.0.0.1:11434/v1' },
  { name: 'vLLM', address: 'http://127.0.0.1:8000/v1' },
  { name: 'llama.cpp', address: 'http://127.0.0.1:8080/v1' },
  { name: 'Moonshot', address: 'https://api.moonshot.ai/v1' },
]

/** What the demonstration is, and how a real engine takes its place. */
export function EngineDialog({ onClose }: { onClose(): void }) {
  const { t } = useLingui()
  const message = useServiceInfo()?.service.engine.message
  const title = t`Connect an engine`
  return (
    <Dialog label={title} onClose={onClose}>
      <DialogHead title={title} onClose={onClose} />
      <div className="space-y-4 px-5 py-5 text-sm">
        <p>
          <Trans>
            No inference engine is connected, so the built-in demo answers with prepared texts. It isn’t a language model.
          </Trans>
        </p>
        <p>
          <Trans>Start the server with INFERENCE_URL set to the address of any OpenAI-compatible engine:</Trans>
        </p>
        <dl className="grid grid-cols-[max-content_1fr] gap-x-5 gap-y-1.5 rounded-row bg-sunken px-4 py-3">
          {examples.map(({ name, address }) => (
            <div key={name} className="contents">
              <dt className="text-ink-3">{name}</dt>
              <dd className="min-w-0 font-mono text-xs leading-5 break-words">INFERENCE_URL={address}</dd>
            </div>
          ))}
        </dl>
        {message && (
          <p lang="en" className="text-xs text-ink-3">
            {message}
          </p>
        )}
      </div>
    </Dialog>
  )
}
