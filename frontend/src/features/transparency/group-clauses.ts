import type { TransparencyQuery, TransparencyState } from '@/gql/graphql'

export type Report = TransparencyQuery['transparency']
export type Clause = Report['clauses'][number]

/** A chapter of the policy with its promises. */
export interface Chapter {
  title: string
  clauses: Clause[]
}

/** The promises by the chapter that they stand in, in the policy's order. */
export function groupClauses(clauses: readonly Clause[]): Chapter[] {
  const chapters: Chapter[] = []
  for (const clause of clauses) {
    const last = chapters.at(-1)
    if (last && last.title === clause.section) last.clauses.push(clause)
    else chapters.push({ title: clause.section, clauses: [clause] })
  }
  return chapters
}

/** How many promises are in a state. */
export function count(clauses: readonly Clause[], state: TransparencyState): number {
  return clauses.filter((clause) => clause.state === state).length
}
