/** Rendered markdown that may still be streaming in. */
import { memo, useEffect, useId, useMemo, useRef, useState } from 'react'
import { type Block, blockReader } from './blocks'
import { copyWithFormulas } from './copy-selection'
import { findFootnotes, FootnoteList, FootnotesContext, NO_FOOTNOTES } from './footnotes'
import { drawToken, drawTokens } from './tokens'
import './markdown.css'

// The reader answers the same object for as long as the block is the same.
const BlockView = memo(function BlockView({ block }: { block: Block }) {
  const live = useRef(false)
  live.current ||= block.open
  return drawToken(block.token, { open: block.open, live: live.current, revision: block.revision })
})

interface MarkdownProps {
  /** The whole text so far. */
  text: string
  /** Whether the text is complete. While it is not, its unfinished end is shown as it will probably be. */
  done: boolean
}

/**
 * Draws markdown of unknown origin. It makes no element from raw HTML, loads nothing, and links only to
 * `http`, `https` and `mailto`. When the text grows only its last block is drawn again, so that
 * selections and opened folds above it stay.
 */
export const Markdown = memo(function Markdown({ text, done }: MarkdownProps) {
  const prefix = `${useId()}-`
  const [read] = useState(blockReader)
  const blocks = read(text, done)
  const known = useRef(NO_FOOTNOTES)
  const footnotes = useMemo(() => findFootnotes(blocks, prefix, done, known.current), [blocks, prefix, done])
  useEffect(() => {
    known.current = footnotes
  }, [footnotes])
  return (
    <FootnotesContext value={footnotes.marks}>
      <div className="md" data-live={done ? undefined : ''} onCopy={copyWithFormulas}>
        {blocks.map((block) => (
          <BlockView key={block.key} block={block} />
        ))}
        <FootnoteList footnotes={footnotes} draw={(note) => drawTokens(note.tokens, { open: false, live: false, revision: done ? 1 : 0 })} />
      </div>
    </FootnotesContext>
  )
})
