/** A table as text, for the clipboard. */
import type { Tokens } from 'marked'
import { inlineText } from './plain-text'

// A spreadsheet runs a cell that begins like this as a formula; a number with a sign is none.
const RUNS_IN_SPREADSHEET = /^(?:[=@\t\r]|[+-](?![\d.,]+%?$))/

function csvCell(text: string): string {
  const safe = RUNS_IN_SPREADSHEET.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Answers the table as comma-separated values (RFC 4180) that no spreadsheet takes for formulas. */
export function tableCsv(table: Tokens.Table): string {
  const rows = [table.header, ...table.rows]
  return rows.map((row) => `${row.map((cell) => csvCell(inlineText(cell.tokens).trim())).join(',')}\r\n`).join('')
}

/** Answers the table as the markdown it was written in. */
export function tableMarkdown(table: Tokens.Table): string {
  return `${table.raw.trim()}\n`
}
