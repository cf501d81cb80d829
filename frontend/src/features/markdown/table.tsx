/** A table that scrolls by itself and can be copied. */
import { useLingui } from '@lingui/react/macro'
import type { Tokens } from 'marked'
import { memo, type ReactNode } from 'react'
import { Tool } from './code-block'
import { Icon } from './icons'
import { tableCsv, tableMarkdown } from './table-text'
import { useCopy } from './use-copy'

type DrawCell = (cell: Tokens.TableCell) => ReactNode

interface RowProps {
  cells: readonly Tokens.TableCell[]
  drawCell: DrawCell
  /** Changes when reference links in the row may resolve otherwise. */
  revision: number
}

function sameRow(a: RowProps, b: RowProps): boolean {
  return a.revision === b.revision && a.cells.length === b.cells.length && a.cells.every((cell, i) => cell.text === b.cells[i]?.text)
}

const Row = memo(function Row({ cells, drawCell }: RowProps) {
  return (
    <tr>
      {cells.map((cell, i) => (
        <td key={i} data-align={cell.align ?? undefined}>
          {drawCell(cell)}
        </td>
      ))}
    </tr>
  )
}, sameRow)

function CopyTool({ format, text }: { format: string; text: () => string }) {
  const { t } = useLingui()
  const [copied, copy] = useCopy()
  return (
    <Tool label={t`Copy table as ${format}`} onClick={() => copy(text())}>
      {copied ? <Icon name="check" size={12} /> : <Icon name="copy" size={12} />}
      <span aria-live="polite">{copied ? t`Copied` : format}</span>
    </Tool>
  )
}

interface TableProps {
  table: Tokens.Table
  drawCell: DrawCell
  revision: number
  dir?: 'auto'
}

/** Draws a table. Rows whose cells stay the same are not drawn again. */
export function Table({ table, drawCell, revision, dir }: TableProps) {
  const { t } = useLingui()
  return (
    <div className="md-table">
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it */}
      <div className="md-table-scroll" role="region" aria-label={t`Table`} tabIndex={0}>
        <table dir={dir}>
          <thead>
            <tr>
              {table.header.map((cell, i) => (
                <th key={i} scope="col" data-align={cell.align ?? undefined}>
                  {drawCell(cell)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map((cells, i) => (
              <Row key={i} cells={cells} drawCell={drawCell} revision={revision} />
            ))}
          </tbody>
        </table>
      </div>
      <div className="md-table-tools md-tools">
        <CopyTool format="CSV" text={() => tableCsv(table)} />
        <CopyTool format="Markdown" text={() => tableMarkdown(table)} />
      </div>
    </div>
  )
}
