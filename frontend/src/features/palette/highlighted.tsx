interface HighlightedProps {
  snippet: string
  /** In UTF-16 code units, like JavaScript's own. */
  start: number
  length: number
}

/** Some text with the place that matched. */
export function Highlighted({ snippet, start, length }: HighlightedProps) {
  return (
    <>
      {snippet.slice(0, start)}
      <mark className="rounded-[3px] bg-tide-soft px-px text-ink">{snippet.slice(start, start + length)}</mark>
      {snippet.slice(start + length)}
    </>
  )
}
