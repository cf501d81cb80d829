import generated from './quickstarts.generated.json'

/** A further file of a program. */
interface StartFile {
  file: string
  language: string
  code: string
}

/** A program to begin with, as the tests have run it. */
export interface QuickStart extends StartFile {
  id: string
  title: string
  /** What is installed first; empty where nothing is. */
  install: string
  run: string
  more: StartFile[]
}

/** What stands in the programs for a key of the reader's own. */
export const keyPlaceholder = 'YOUR_API_KEY'

/** The address of this installation in place of the programs' placeholder; never a key. */
export function filled(text: string, origin: string): string {
  return text.replaceAll('{{KIMI_URL}}', origin).replaceAll('{{KIMI_API_KEY}}', keyPlaceholder)
}

/** The programs, with the address of this installation in them. */
export function quickStarts(origin: string): QuickStart[] {
  return generated.map((start) => ({
    ...start,
    install: filled(start.install, origin),
    run: filled(start.run, origin),
    code: filled(start.code, origin),
    more: start.more.map((file) => ({ ...file, code: filled(file.code, origin) })),
  }))
}
