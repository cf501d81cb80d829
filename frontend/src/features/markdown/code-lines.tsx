/** The lines of a code block, drawn so that a growing block redraws only its end. */
import { memo, type ReactNode } from 'react'
import type { Line } from './highlight'

/**
 * Lines per group. A group whose lines and colours stay the same is not drawn again, and as a box of its
 * own it is not laid out again either.
 */
const GROUP = 32

function drawLine(line: Line): ReactNode {
  return line.map(([text, kind], i) =>
    kind === '' ? (
      text
    ) : (
      <span key={i} className={`hl-${kind}`}>
        {text}
      </span>
    ),
  )
}

interface GroupProps {
  text: string
  colours: readonly Line[]
  first: number
  coloured: number
}

function drawGroup({ text, colours, first, coloured }: GroupProps): ReactNode {
  const plain = text.split('\n').slice(coloured).join('\n')
  const lines = colours.slice(first, first + coloured)
  return (
    <span className="md-lines">
      {lines.map((line, i) => (
        <span key={i}>
          {drawLine(line)}
          {'\n'}
        </span>
      ))}
      {plain}
    </span>
  )
}

const LineGroup = memo(drawGroup, (a, b) => a.text === b.text && a.coloured === b.coloured)

/** Draws code of which the first lines may have colours. */
export function CodeLines({ code, colours }: { code: string; colours: readonly Line[] }) {
  const lines = code.split('\n')
  const groups: ReactNode[] = []
  for (let first = 0; first < lines.length; first += GROUP) {
    const text = `${lines.slice(first, first + GROUP).join('\n')}\n`
    const size = Math.min(GROUP, lines.length - first)
    const coloured = Math.max(0, Math.min(size, colours.length - first))
    groups.push(<LineGroup key={first} text={text} colours={colours} first={first} coloured={coloured} />)
  }
  return <code>{groups}</code>
}
