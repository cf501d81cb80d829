import { useLingui } from '@lingui/react/macro'
import { Check, Copy, ExternalLink } from 'lucide-react'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { copyText } from '@/lib/clipboard'

/** The whole address of a link, from its path. */
export function addressOf(url: string): string {
  return new URL(url, location.origin).href
}

/** A link to be copied or opened. */
export function LinkField({ url }: { url: string }) {
  const { t } = useLingui()
  const [copied, setCopied] = useState(false)
  const address = addressOf(url)
  return (
    <div className="flex flex-wrap items-center gap-2">
      <input
        data-first
        readOnly
        aria-label={t`The link`}
        value={address}
        onFocus={(event) => event.target.select()}
        className="h-10 min-w-0 flex-1 basis-56 rounded-control border border-control bg-sunken px-3 font-mono text-xs text-ink touch:h-11"
      />
      <Button look="primary" className="min-h-10" onClick={async () => setCopied(await copyText(address))}>
        {copied ? <Check size={15} aria-hidden="true" /> : <Copy size={15} aria-hidden="true" />}
        {copied ? t`Copied` : t`Copy the link`}
      </Button>
      <a
        href={url}
        target="_blank"
        rel="noreferrer"
        className="inline-flex min-h-10 items-center gap-1.5 rounded-control border border-line-strong px-3 text-sm font-medium hover:bg-hover touch:min-h-11"
      >
        <ExternalLink size={15} aria-hidden="true" />
        {t`Open`}
      </a>
    </div>
  )
}
