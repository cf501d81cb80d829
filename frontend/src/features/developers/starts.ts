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
  /** What says where the service is and who asks; it comes first. */
  set: string
  /** What is installed; empty where nothing is. */
  install: string
  /** What is made from the files before it runs; empty where nothing is. */
  generate: string
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
    set: filled(start.set, origin),
    install: filled(start.install, origin),
    generate: filled(start.generate, origin),
    run: filled(start.run, origin),
    code: filled(start.code, origin),
    more: start.more.map((file) => ({ ...file, code: filled(file.code, origin) })),
  }))
}

/** One thing to paste: into a shell, or into a file of that name. */
export type StartStep =
  | { kind: 'set' | 'install' | 'generate' | 'run'; code: string }
  | { kind: 'save'; file: string; language: string; code: string }

/** What is pasted, in the order in which it works. */
export function stepsOf({ set, install, more, file, language, code, generate, run }: QuickStart): StartStep[] {
  const saved = [...more, { file, language, code }].map((one) => ({
    kind: 'save' as const,
    file: one.file,
    language: one.language,
    code: one.code.trimEnd(),
  }))
  const steps: StartStep[] = [
    { kind: 'set', code: set },
    { kind: 'install', code: install },
    ...saved,
    { kind: 'generate', code: generate },
    { kind: 'run', code: run },
  ]
  return steps.filter((step) => step.code !== '')
}
