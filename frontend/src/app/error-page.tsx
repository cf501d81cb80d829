import { Trans } from '@lingui/react/macro'
import { Button } from '@/components/ui/button'
import { SupportLine } from '@/components/ui/support-line'

/** Shown instead of a page that failed: what was typed is in this browser's storage. */
export function ErrorPage({ error }: { error: unknown }) {
  return (
    <main className="flex h-full flex-col items-center justify-center gap-4 px-5 text-center" role="alert">
      <h1 className="text-xl font-medium">
        <Trans>This page failed.</Trans>
      </h1>
      <p className="max-w-prose text-ink-2">
        <Trans>Your conversations are safe on the server, and what you typed is kept. Reloading usually helps.</Trans>
      </p>
      <Button look="primary" onClick={() => location.reload()}>
        <Trans>Reload</Trans>
      </Button>
      <SupportLine />
      <p className="max-w-prose font-mono text-xs break-words text-ink-3">
        {error instanceof Error ? error.message : String(error)}
      </p>
    </main>
  )
}
