/** A part of the policy that begins with a heading. */
export interface PolicySection {
  /** The address of the heading within the page. */
  id: string
  /** 2 for chapters, 3 for parts of one. */
  depth: 2 | 3
  title: string
  /** Markdown, without the marks of its clauses. */
  text: string
  /** The clauses in it: what other pages link to. */
  clauses: string[]
}

export interface PolicyText {
  title: string
  /** What stands before the first chapter. */
  intro: string
  sections: PolicySection[]
}

const heading = /^(#{1,3}) +(.*)$/
const clause = /\s*\{#([A-Za-z][\w-]*)\}/g

/** Splits the policy at its headings, so that each can be linked to. Marks in code aren't expected in it. */
export function readPolicy(markdown: string): PolicyText {
  const policy: PolicyText = { title: '', intro: '', sections: [] }
  for (const line of markdown.split('\n')) {
    const [, marks = '', words = ''] = heading.exec(line) ?? []
    const clauses = [...line.matchAll(clause)].map(([, id = '']) => id)
    const text = (marks ? words : line).replaceAll(clause, '')
    const section = policy.sections.at(-1)
    if (marks.length === 1) policy.title ||= text
    else if (marks) {
      const id = clauses[0] ?? `part-${policy.sections.length + 1}`
      policy.sections.push({ id, depth: marks.length === 2 ? 2 : 3, title: text, text: '', clauses: clauses.slice(1) })
    } else if (section) {
      section.text += `${text}\n`
      section.clauses.push(...clauses)
    } else policy.intro += `${text}\n`
  }
  return policy
}
