import { type Finding, findingWords } from './finding-words'

interface EvidenceProps {
  evidence: string
  findings: readonly Finding[]
  className?: string
}

/** What was found, in the page's language; in the report's English where that isn't known here. */
export function Evidence({ evidence, findings, className }: EvidenceProps) {
  const words = findingWords(findings)
  return (
    <span lang={words === null ? 'en' : undefined} className={className}>
      {words ?? evidence}
    </span>
  )
}
