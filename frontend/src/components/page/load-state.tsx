import { Trans } from '@lingui/react/macro'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'

/** The place of what is still on its way; it shows only when that takes long. */
export function Loading({ rows = 3 }: { rows?: number }) {
  return (
    <div className="late space-y-3" aria-hidden="true">
      {Array.from({ length: rows }, (_, row) => (
        // The rows are alike and stay in place.
        // oxlint-disable-next-line react/no-array-index-key
        <div key={row} className="shade h-11" />
      ))}
    </div>
  )
}

/** What didn't come, and how to ask for it again. */
export function LoadFailed({ onRetry }: { onRetry(): void }) {
  return (
    <Notice
      role="alert"
      actions={
        <Button onClick={onRetry}>
          <Trans>Try again</Trans>
        </Button>
      }
    >
      <Trans>This can’t be loaded now. Nothing was changed.</Trans>
    </Notice>
  )
}
