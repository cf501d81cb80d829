/** The programming languages that code blocks know by name. */

interface Language {
  label: string
  extension: string
  aliases?: readonly string[]
}

const LANGUAGES: Readonly<Record<string, Language>> = {
  bash: { label: 'Shell', extension: 'sh', aliases: ['sh', 'shell', 'zsh', 'console', 'shellscript'] },
  c: { label: 'C', extension: 'c', aliases: ['h'] },
  cpp: { label: 'C++', extension: 'cpp', aliases: ['c++', 'cc', 'cxx', 'hpp'] },
  csharp: { label: 'C#', extension: 'cs', aliases: ['cs', 'c#'] },
  css: { label: 'CSS', extension: 'css' },
  diff: { label: 'Diff', extension: 'diff', aliases: ['patch'] },
  dockerfile: { label: 'Dockerfile', extension: 'dockerfile', aliases: ['docker'] },
  go: { label: 'Go', extension: 'go', aliases: ['golang'] },
  graphql: { label: 'GraphQL', extension: 'graphql', aliases: ['gql', 'graphqls'] },
  html: { label: 'HTML', extension: 'html', aliases: ['htm', 'xml', 'svg'] },
  java: { label: 'Java', extension: 'java' },
  javascript: { label: 'JavaScript', extension: 'js', aliases: ['js', 'mjs', 'cjs', 'node'] },
  json: { label: 'JSON', extension: 'json', aliases: ['jsonc', 'json5', 'jsonl'] },
  jsx: { label: 'JSX', extension: 'jsx' },
  markdown: { label: 'Markdown', extension: 'md', aliases: ['md'] },
  python: { label: 'Python', extension: 'py', aliases: ['py', 'python3'] },
  rust: { label: 'Rust', extension: 'rs', aliases: ['rs'] },
  sql: { label: 'SQL', extension: 'sql', aliases: ['postgres', 'postgresql', 'mysql', 'sqlite'] },
  tsx: { label: 'TSX', extension: 'tsx' },
  typescript: { label: 'TypeScript', extension: 'ts', aliases: ['ts', 'mts', 'cts'] },
  yaml: { label: 'YAML', extension: 'yaml', aliases: ['yml'] },
}

const BY_NAME = new Map(
  Object.entries(LANGUAGES).flatMap(([id, { aliases = [] }]) => [id, ...aliases].map((name) => [name, id] as const)),
)

/** What is known about the language named behind a code fence. */
export interface CodeLanguage {
  /** The name under which the highlighter knows it; empty when it does not. */
  id: string
  /** What a reader sees; empty when nothing was named. */
  label: string
  /** The ending of a downloaded file, without the dot. */
  extension: string
}

/** Answers what is known about a language from the words behind a code fence. */
export function codeLanguage(info: string): CodeLanguage {
  const name = /^[^\s{,:]*/.exec(info.trim())?.[0]?.slice(0, 24) ?? ''
  const id = BY_NAME.get(name.toLowerCase()) ?? ''
  const language = LANGUAGES[id]
  return { id, label: language?.label ?? name, extension: language?.extension ?? 'txt' }
}
