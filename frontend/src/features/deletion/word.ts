/** What the server wants typed where no e-mail address stands for who deletes; the same in every language. */
export const eraseWord = 'DELETE'

/** Whether two texts are the same for somebody who types one of them. */
export function sameText(typed: string, wanted: string): boolean {
  return typed.trim().toLowerCase() === wanted.trim().toLowerCase()
}
