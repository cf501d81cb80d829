import { Trans } from '@lingui/react/macro'
import { Button } from '@/components/ui/button'

/** The polite stop. */
export function RefusedStep({ name, onClose }: { name: string; onClose(): void }) {
  return (
    <div role="status">
      <p className="text-md">
        <Trans>Thank you for your answer. You can’t use {name} yet.</Trans>
      </p>
      <p className="mt-1 text-sm text-ink-2">
        <Trans>
          Nothing about you was stored, and nothing was sent. Why this is so stands in the{' '}
          <a href="/privacy" target="_blank" rel="noopener" className="text-tide underline underline-offset-3">
            privacy policy
          </a>
          .
        </Trans>
      </p>
      <div className="mt-5 flex justify-end">
        {/* The form before had the focus. */}
        {/* oxlint-disable-next-line jsx-a11y/no-autofocus */}
        <Button autoFocus onClick={onClose}>
          <Trans>Close</Trans>
        </Button>
      </div>
    </div>
  )
}
