/**
 * Colours code off the main thread. A session is one code block: its lines arrive in order, each once,
 * and the state of the grammar is kept between them, so that a long block costs no more per line than a
 * short one.
 */
import { createCssVariablesTheme, createHighlighterCore, type GrammarState, type LanguageInput, type ThemedToken } from 'shiki/core'
import { createJavaScriptRegexEngine } from 'shiki/engine/javascript'
import type { HighlightEnd, HighlightReply, HighlightRequest, Line, Span } from './highlight'

const GRAMMARS: Readonly<Record<string, LanguageInput>> = {
  bash: () => import('shiki/langs/bash.mjs'),
  c: () => import('shiki/langs/c.mjs'),
  // Its macros are asked for by name so that they become a file of their own: together they are too large.
  cpp: async () => [...(await import('shiki/langs/cpp-macro.mjs')).default, ...(await import('shiki/langs/cpp.mjs')).default],
  csharp: () => import('shiki/langs/csharp.mjs'),
  css: () => import('shiki/langs/css.mjs'),
  diff: () => import('shiki/langs/diff.mjs'),
  dockerfile: () => import('shiki/langs/docker.mjs'),
  go: () => import('shiki/langs/go.mjs'),
  graphql: () => import('shiki/langs/graphql.mjs'),
  html: () => import('shiki/langs/html.mjs'),
  java: () => import('shiki/langs/java.mjs'),
  javascript: () => import('shiki/langs/javascript.mjs'),
  json: () => import('shiki/langs/json.mjs'),
  jsx: () => import('shiki/langs/jsx.mjs'),
  markdown: () => import('shiki/langs/markdown.mjs'),
  python: () => import('shiki/langs/python.mjs'),
  rust: () => import('shiki/langs/rust.mjs'),
  sql: () => import('shiki/langs/sql.mjs'),
  tsx: () => import('shiki/langs/tsx.mjs'),
  typescript: () => import('shiki/langs/typescript.mjs'),
  yaml: () => import('shiki/langs/yaml.mjs'),
}

/** Milliseconds for one line. The first line of a large grammar compiles it, which takes its time. */
const LINE_MS = 3_000

const THEME = 'paper'
const highlighter = createHighlighterCore({
  themes: [createCssVariablesTheme({ name: THEME, variablePrefix: '--', fontStyle: false })],
  langs: [],
  engine: createJavaScriptRegexEngine({ forgiving: true }),
})
const states = new Map<number, GrammarState>()

/** `var(--token-keyword)` becomes `keyword`; plain text has no kind. */
function kindOf(color: string | undefined): string {
  const kind = /^var\(--token-([\w-]+)\)$/.exec(color ?? '')?.[1]
  return kind ?? ''
}

/** Joins neighbours of one kind: fewer spans, fewer nodes. */
function joined(tokens: readonly ThemedToken[]): Line {
  const line: [string, string][] = []
  for (const { content, color } of tokens) {
    const kind = kindOf(color)
    const last = line.at(-1)
    if (last && (last[1] === kind || content.trim() === '')) last[0] += content
    else line.push([content, kind])
  }
  return line as readonly Span[]
}

async function colour({ session, language, code }: HighlightRequest): Promise<readonly Line[] | null> {
  const grammar = GRAMMARS[language]
  if (!grammar) return null
  const shiki = await highlighter
  if (!shiki.getLoadedLanguages().includes(language)) await shiki.loadLanguage(grammar)
  const tokens = shiki.codeToTokensBase(code, {
    lang: language,
    theme: THEME,
    tokenizeMaxLineLength: 2_000,
    tokenizeTimeLimit: LINE_MS,
    ...(states.has(session) ? { grammarState: states.get(session) } : {}),
  })
  const state = shiki.getLastGrammarState(tokens)
  if (state) states.set(session, state as GrammarState)
  return tokens.map(joined)
}

async function answer(request: HighlightRequest): Promise<void> {
  const lines = await colour(request).catch(() => null)
  const reply: HighlightReply = { id: request.id, lines }
  globalThis.postMessage(reply)
}

// One request after the other: the lines of a session build on those before them.
let queue = Promise.resolve()
globalThis.onmessage = ({ data }: MessageEvent<HighlightRequest | HighlightEnd>) => {
  queue = queue.then(() => ('end' in data ? void states.delete(data.session) : answer(data)))
}
