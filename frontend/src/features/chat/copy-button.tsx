import { useLingui } from '@lingui/react/macro'
import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { IconButton } from '@/components/ui/button'
import { copyText } from '@/lib/clipboard'

/** Copies a message as Markdown. */
export function CopyButton({ text }: { text: string }) {
  const { t } = useLingui()
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1500)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <IconButton label={copied ? t`Copied` : t`Copy`} onClick={async () => setCopied(await copyText(text))}>
      {copied ? <Check size={15} /> : <Copy size={15} />}
    </IconButton>
  )
}
