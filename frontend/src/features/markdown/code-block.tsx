/** A code block with its tools: what language it is, copy, wrap, download, fold. */
import { Trans, useLingui } from '@lingui/react/macro'
import { memo, type ReactNode, useId, useState } from 'react'
import { CodeLines } from './code-lines'
import { Icon } from './icons'
import { codeLanguage } from './languages'
import { useCopy } from './use-copy'
import { useHighlight } from './use-highlight'

/** A finished block with more lines than this is folded to as many. */
const FOLD_LINES = 40

function download(code: string, extension: string): void {
  const address = URL.createObjectURL(new Blob([code], { type: 'text/plain;charset=utf-8' }))
  const link = document.createElement('a')
  link.href = address
  link.download = extension === 'dockerfile' ? 'Dockerfile' : `code.${extension}`
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 1_000)
}

function firstLines(code: string, count: number): string {
  let end = -1
  for (let i = 0; i < count; i++) {
    end = code.indexOf('\n', end + 1)
    if (end < 0) return code
  }
  return code.slice(0, end)
}

function countLines(code: string): number {
  let count = 1
  for (let at = code.indexOf('\n'); at >= 0; at = code.indexOf('\n', at + 1)) count += 1
  return count
}

interface ToolProps {
  label: string
  onClick: () => void
  pressed?: boolean
  children: ReactNode
}

/** A small button of a block's header. */
export function Tool({ label, onClick, pressed, children }: ToolProps) {
  return (
    <button type="button" className="md-tool" aria-label={label} title={label} aria-pressed={pressed} onClick={onClick}>
      {children}
    </button>
  )
}

interface CodeBlockProps {
  code: string
  /** The words behind the opening fence. */
  info: string
  open: boolean
}

/**
 * Draws a code block. One that was finished when it first appeared is folded when it is long; one that
 * grew before the reader's eyes stays as it is, because folding it would move what is being read.
 */
export const CodeBlock = memo(function CodeBlock({ code, info, open }: CodeBlockProps) {
  const { t } = useLingui()
  const [wrapped, setWrapped] = useState(false)
  const [folded, setFolded] = useState(!open)
  const [copied, copy] = useCopy()
  const body = useId()
  const { id, label, extension } = codeLanguage(info)
  const colours = useHighlight(code, id, open)
  const lines = countLines(code)
  const foldable = !open && lines > FOLD_LINES
  const hidden = foldable && folded
  const name = label === '' ? t`Code` : t`Code, ${label}`
  return (
    <figure className="md-code" dir="ltr" aria-label={name} data-wrap={wrapped ? '' : undefined} data-folded={hidden ? '' : undefined}>
      <figcaption className="md-code-head">
        <span className="md-code-language">{label === '' ? t`Text` : label}</span>
        <span className="md-tools">
          <Tool label={t`Wrap lines`} pressed={wrapped} onClick={() => setWrapped(!wrapped)}>
            <Icon name="wrap" />
          </Tool>
          <Tool label={t`Download`} onClick={() => download(code, extension)}>
            <Icon name="download" />
          </Tool>
          <Tool label={t`Copy code`} onClick={() => copy(code)}>
            {copied ? <Icon name="check" /> : <Icon name="copy" />}
            <span aria-live="polite">{copied ? t`Copied` : t`Copy`}</span>
          </Tool>
        </span>
      </figcaption>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it */}
      <pre id={body} tabIndex={0}>
        <CodeLines code={hidden ? firstLines(code, FOLD_LINES) : code} colours={colours} />
      </pre>
      {foldable && (
        <button type="button" className="md-fold" aria-expanded={!hidden} aria-controls={body} onClick={() => setFolded(!folded)}>
          {hidden ? <Icon name="down" /> : <Icon name="up" />}
          {hidden ? <Trans>Show all {lines} lines</Trans> : <Trans>Show less</Trans>}
        </button>
      )}
    </figure>
  )
})
